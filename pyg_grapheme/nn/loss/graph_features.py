"""What the structural loss sees of a graph."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch, Data

from pyg_grapheme.nn.pool.copies import copy_graphs

_COMPARED = ("activation", "grapheme", "category")


class GraphFeatures(NamedTuple):
    """A batch of B graphs as the structural loss compares them.

    Attributes:
        activation: [N], one scalar a node.
        label: [N, V], the distribution over graphemes inside each node: one-hot for a node that is
            one grapheme, the mean of its members for a merged one.
        category: [N, K], the same over categories.
        edge_index: [2, E], directed.
        batch: [N], sorted.
        num_graphs: B.
    """

    activation: Tensor
    label: Tensor
    category: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int

    def take(self, index: Tensor) -> "GraphFeatures":
        """Return the batch whose graph r is graph ``index[r]`` of this one."""
        copies = copy_graphs(self.edge_index, self.batch, self.num_graphs, index)
        return GraphFeatures(
            self.activation[copies.node],
            self.label[copies.node],
            self.category[copies.node],
            copies.edge_index,
            copies.batch,
            index.numel(),
        )


def graph_features(first: Data, second: Data) -> tuple[GraphFeatures, GraphFeatures]:
    """Read two PyG graphs or batches that are to be compared.

    Args:
        first: With ``activation`` [N], ``grapheme`` and ``category``, each either [N] integers or
            [N, V] distributions. Integers mean the same in both; their distributions are over the
            values that occur.
        second: Likewise.

    Raises:
        ValueError: if an attribute is missing, the shapes differ, or the numbers of graphs do.
    """
    for name, data in (("first", first), ("second", second)):
        for key in _COMPARED:
            if key not in data:
                raise ValueError(f"Expected '{name}' to have the attribute '{key}' (got {data})")
    num_graphs = [_num_graphs(first), _num_graphs(second)]
    if num_graphs[0] != num_graphs[1]:
        raise ValueError(
            "Expected 'first' and 'second' to have as many graphs each "
            f"(got {num_graphs[0]} and {num_graphs[1]})"
        )
    labels = _distributions("grapheme", first.grapheme, second.grapheme, first.activation.dtype)
    kinds = _distributions("category", first.category, second.category, first.activation.dtype)
    features = (
        GraphFeatures(data.activation, label, kind, data.edge_index, _batch(data), num_graphs[0])
        for data, label, kind in zip((first, second), labels, kinds, strict=True)
    )
    return next(features), next(features)


def split_pairs(pairs: Data) -> tuple[Batch, Batch]:
    """Take a batch of pairs of graphs apart, as PyG keeps them in one ``Data`` each.

    Args:
        pairs: With ``activation_s``, ``grapheme_s``, ``category_s`` and ``edge_index_s``, the same
            with ``_t``, and ``activation_s_batch`` and ``activation_t_batch``, which a loader
            adds that is told ``follow_batch=["activation_s", "activation_t"]``.

    Raises:
        ValueError: if one of them is missing.
    """
    sides = []
    for side in ("s", "t"):
        batch = f"activation_{side}_batch"
        for key in (*(f"{name}_{side}" for name in (*_COMPARED, "edge_index")), batch):
            if key not in pairs:
                hint = f", with follow_batch=['activation_{side}']" if key == batch else ""
                raise ValueError(f"Expected 'first', alone, to have '{key}'{hint} (got {pairs})")
        graphs = Batch(batch=pairs[batch], edge_index=pairs[f"edge_index_{side}"])
        graphs.update({name: pairs[f"{name}_{side}"] for name in _COMPARED})
        graphs._num_graphs = pairs.num_graphs
        sides.append(graphs)
    return sides[0], sides[1]


def one_hot_labels(
    first: Tensor, second: Tensor, dtype: torch.dtype = torch.float
) -> tuple[Tensor, Tensor]:
    """Write integers [N1], [N2] as one-hot rows over the values that occur in either."""
    values, number = torch.unique(torch.cat([first, second]), return_inverse=True)
    rows = F.one_hot(number, max(values.numel(), 1)).to(dtype)
    return rows[: first.numel()], rows[first.numel() :]


def _distributions(
    name: str, first: Tensor, second: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    if first.dim() == 1 and second.dim() == 1:
        return one_hot_labels(first, second, dtype)
    if first.dim() == second.dim() == 2 and first.size(1) == second.size(1):
        return first, second
    raise ValueError(
        f"Expected '{name}' to be [N] on both sides, or [N, V] with one V "
        f"(got {tuple(first.shape)} and {tuple(second.shape)})"
    )


def _batch(data: Data) -> Tensor:
    if data.batch is not None:
        batch: Tensor = data.batch
        return batch
    return torch.zeros(data.activation.size(0), dtype=torch.long, device=data.activation.device)


def _num_graphs(data: Data) -> int:
    return int(data.num_graphs) if data.batch is not None else 1
