"""The labels and edges of PyG graphs, as the metrics compare them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import coalesce, to_undirected


class LabelledBatch(NamedTuple):
    """B graphs on the CPU.

    Attributes:
        label: [N], integers; all 0 if labels are ignored.
        edge_index: [2, E], sorted, each edge once; in both directions if directions are ignored.
        batch: [N], sorted.
        num_graphs: B.
    """

    label: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int


def labelled_pair(
    first: Data, second: Data, *, label: str | None, directed: bool
) -> tuple[LabelledBatch, LabelledBatch]:
    """Read two PyG graphs or batches that are to be compared.

    Args:
        first: A PyG graph or ``Batch`` of B graphs.
        second: Likewise, with as many graphs.
        label: Name of the attribute with the labels of the nodes, [N] integers; None if all nodes
            are alike.
        directed: Whether an edge from u to v differs from one from v to u.

    Raises:
        ValueError: if the label is missing or not [N] integers, a batch is not sorted, or the
            numbers of graphs differ.
    """
    graphs = (
        _labelled_batch("first", first, label, directed),
        _labelled_batch("second", second, label, directed),
    )
    if graphs[0].num_graphs != graphs[1].num_graphs:
        raise ValueError(
            "Expected 'first' and 'second' to have as many graphs each "
            f"(got {graphs[0].num_graphs} and {graphs[1].num_graphs})"
        )
    return graphs


def _labelled_batch(name: str, data: Data, label: str | None, directed: bool) -> LabelledBatch:
    if data.edge_index is None:
        raise ValueError(f"Expected '{name}' to have the attribute 'edge_index' (got {data})")
    labels = _labels(name, data, label)
    size = labels.numel()
    edge_index = data.edge_index.cpu()
    unique = coalesce if directed else to_undirected
    batch = torch.zeros(size, dtype=torch.long) if data.batch is None else data.batch.cpu()
    if bool((batch.diff() < 0).any()):
        raise ValueError(f"Expected the batch of '{name}' to be sorted (got {batch.tolist()})")
    num_nodes = data.num_nodes if "num_nodes" in data else batch.numel()
    if not batch.numel() == num_nodes == size:
        raise ValueError(
            f"Expected '{name}' to have a label for each of {num_nodes} nodes (got {size})"
        )
    inside = (edge_index >= 0) & (edge_index < size)
    if not bool(inside.all()) or bool(batch[edge_index].diff(dim=0).any()):
        raise ValueError(f"Expected the edges of '{name}' to stay inside one graph (got {data})")
    return LabelledBatch(labels, unique(edge_index, num_nodes=size), batch, _num_graphs(data))


def _labels(name: str, data: Data, label: str | None) -> Tensor:
    if label is None:
        return torch.zeros(data.num_nodes, dtype=torch.long)
    if label not in data:
        raise ValueError(f"Expected '{name}' to have the attribute '{label}' (got {data})")
    labels: Tensor = data[label]
    if labels.dim() != 1 or labels.is_floating_point():
        raise ValueError(
            f"Expected '{label}' of '{name}' to be [N] integers "
            f"(got {labels.dtype} of shape {tuple(labels.shape)})"
        )
    return labels.cpu().long()


def _num_graphs(data: Data) -> int:
    if isinstance(data, Batch):
        return int(data.num_graphs)
    if data.batch is None:
        return 1
    return int(data.batch.max()) + 1 if data.batch.numel() else 0
