"""What the structural loss sees of a graph."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch, Data

from pyg_grapheme.graphs.check_graphs import Graphs, check_graphs
from pyg_grapheme.graphs.repeat_graphs import repeat_graphs

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
        copies = repeat_graphs(self.edge_index, self.batch, self.num_graphs, index)
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
        ValueError: if an attribute is missing or has not one row a node, edges leave their graph,
            a batch is not sorted, or the numbers of graphs differ.
    """
    graphs = [_check("first", first), _check("second", second)]
    if graphs[0].num_graphs != graphs[1].num_graphs:
        raise ValueError(
            "Expected 'first' and 'second' to have as many graphs each "
            f"(got {graphs[0].num_graphs} and {graphs[1].num_graphs})"
        )
    dtype = torch.promote_types(first.activation.dtype, second.activation.dtype)
    labels = _distributions("grapheme", first.grapheme, second.grapheme, dtype)
    kinds = _distributions("category", first.category, second.category, dtype)
    features = (
        GraphFeatures(
            data.activation.to(dtype), label, kind, whole.edge_index, whole.batch, whole.num_graphs
        )
        for data, whole, label, kind in zip((first, second), graphs, labels, kinds, strict=True)
    )
    return next(features), next(features)


def _check(name: str, data: Data) -> Graphs:
    """Check a side: that everything is there, one a node, and the graphs are graphs."""
    for key in (*_COMPARED, "edge_index"):
        if data.get(key) is None:
            raise ValueError(f"Expected '{name}' to have the attribute '{key}' (got {data})")
    activation = data.activation
    if activation.dim() != 1 or not activation.is_floating_point():
        raise ValueError(
            f"Expected 'activation' of '{name}' to be [N] floating-point numbers "
            f"(got {activation.dtype} of shape {tuple(activation.shape)})"
        )
    for key in _COMPARED[1:]:
        if data[key].size(0) != activation.size(0):
            raise ValueError(
                f"Expected '{key}' of '{name}' to have {activation.size(0)} rows, as 'activation' "
                f"has (got {data[key].size(0)})"
            )
    num_graphs = int(data.num_graphs) if isinstance(data, Batch) else None
    try:
        return check_graphs(
            activation[:, None], data.edge_index, None, data.batch, num_graphs, check_finite=False
        )
    except ValueError as error:
        raise ValueError(f"In '{name}': {error}") from error


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
