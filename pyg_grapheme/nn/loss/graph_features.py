"""Graphs as the structural loss compares them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch, Data

from pyg_grapheme.graphs import Graphs, check_graphs, repeat_graphs


class GraphFeatures(NamedTuple):
    """A batch of B graphs as the structural loss compares them.

    Attributes:
        activation: [N], one scalar per node.
        label: [N, V], the distribution over labels inside each node: one-hot for a node of the
            input, the mean of its members for a merged one.
        kind: [N, K], the same over kinds, coarser classes of labels.
        edge_index: [2, E], directed.
        batch: [N], sorted.
        num_graphs: B.
    """

    activation: Tensor
    label: Tensor
    kind: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int

    def take(self, index: Tensor) -> "GraphFeatures":
        """Return the batch whose graph r is graph ``index[r]`` of this one."""
        copies = repeat_graphs(self.edge_index, self.batch, self.num_graphs, index)
        return GraphFeatures(
            self.activation[copies.node],
            self.label[copies.node],
            self.kind[copies.node],
            copies.edge_index,
            copies.batch,
            index.numel(),
        )


class Side(NamedTuple):
    """The graphs on one side of the comparison, with their names for error messages.

    Attributes:
        data: The graphs.
        argument: Name of the argument that holds them.
        suffix: Suffix of the field names in that argument.
    """

    data: Data
    argument: str
    suffix: str = ""

    def name(self, field: str) -> str:
        """Return the name of a field, as the user knows it."""
        return f"'{field}{self.suffix}' of '{self.argument}'"

    def get(self, field: str) -> Tensor:
        """Return a field.

        Raises:
            ValueError: if it is missing, or no tensor.
        """
        if not isinstance(self.data, Data):
            got = type(self.data).__name__
            raise ValueError(f"Expected '{self.argument}' to be a Data or a Batch (got {got})")
        value = self.data.get(field)
        if not isinstance(value, Tensor):
            got = self.data if value is None else type(value).__name__
            raise ValueError(f"Expected {self.name(field)} to be a tensor (got {got})")
        return value

    def check(self, field: str | None, num_nodes: int) -> Graphs:
        """Check the edges and the batch of graphs whose ``field`` has ``num_nodes`` rows.

        Raises:
            ValueError: if the field does not have one row per node, edges leave their graph, or the
                batch is not sorted.
        """
        edge_index = self.get("edge_index")
        batch = self.data.batch
        known = self.data.get("num_nodes") if batch is None else batch.numel()
        if field is not None and known not in (None, num_nodes):
            raise ValueError(
                f"Expected {self.name(field)} to have {known} rows, one per node (got {num_nodes})"
            )
        num_graphs = int(self.data.num_graphs) if isinstance(self.data, Batch) else None
        nodes = edge_index.new_zeros(num_nodes, 0, dtype=torch.float)
        try:
            return check_graphs(nodes, edge_index, None, batch, num_graphs)
        except ValueError as error:
            fields = f" (fields '*{self.suffix}')" if self.suffix else ""
            raise ValueError(f"In '{self.argument}'{fields}: {error}") from error


def graph_features(first: Data, second: Data | None = None) -> tuple[GraphFeatures, GraphFeatures]:
    """Read two PyG graphs or batches that are to be compared.

    Args:
        first: With ``edge_index``, ``activation`` [N], ``label`` and ``kind``, each of the latter
            either [N] integers or [N, V] distributions. Integers mean the same on both sides; their
            distributions are over the values that occur.
        second: Likewise, with as many graphs. If it is None, ``first`` is a batch of pairs: it has
            ``edge_index_s``, ``activation_s``, ``label_s`` and ``kind_s``, the same with ``_t``,
            and ``activation_s_batch`` and ``activation_t_batch``, which PyG's ``DataLoader`` adds
            with ``follow_batch=["activation_s", "activation_t"]``.

    Raises:
        ValueError: if a field is missing or does not have one row per node, edges leave their
            graph, a batch is not sorted, or the numbers of graphs differ.
    """
    sides = (
        _split_pairs(first) if second is None else (Side(first, "first"), Side(second, "second"))
    )
    activations = [_activation(side) for side in sides]
    graphs = check_pair(sides, "activation", [activation.numel() for activation in activations])
    dtype = torch.promote_types(*(activation.dtype for activation in activations))
    labels = distributions("label", sides, graphs, dtype)
    kinds = distributions("kind", sides, graphs, dtype)
    one, other = (
        GraphFeatures(
            activation.to(dtype), label, kind, part.edge_index, part.batch, part.num_graphs
        )
        for activation, label, kind, part in zip(activations, labels, kinds, graphs, strict=True)
    )
    return one, other


def check_pair(
    sides: tuple[Side, Side], field: str | None, num_nodes: list[int]
) -> tuple[Graphs, Graphs]:
    """Check that both sides are batches of as many graphs, whose ``field`` has one row per node."""
    first, second = (side.check(field, size) for side, size in zip(sides, num_nodes, strict=True))
    if first.num_graphs != second.num_graphs:
        raise ValueError(
            "Expected 'first' and 'second' to have as many graphs each "
            f"(got {first.num_graphs} and {second.num_graphs})"
        )
    return first, second


def distributions(
    field: str, sides: tuple[Side, Side], graphs: tuple[Graphs, Graphs], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Read a field of both sides as distributions [N, V] over one vocabulary.

    Args:
        field: Name of a field with [N] integers, or [N, V] distributions.
        sides: Both sides.
        graphs: Both sides, checked.
        dtype: Floating-point type of one-hot rows.
    """
    first, second = (side.get(field) for side in sides)
    for side, part, value in zip(sides, graphs, (first, second), strict=True):
        size = part.batch.numel()
        if value.dim() == 0 or value.size(0) != size:
            raise ValueError(
                f"Expected {side.name(field)} to have {size} rows, one per node "
                f"(got shape {tuple(value.shape)})"
            )
    if first.dim() == second.dim() == 1:
        if first.is_floating_point() or second.is_floating_point():
            raise ValueError(
                f"Expected {sides[0].name(field)} and {sides[1].name(field)} to be integers, as "
                f"they are [N] (got {first.dtype} and {second.dtype})"
            )
        return one_hot_labels(first, second, dtype)
    if first.dim() == second.dim() == 2 and first.size(1) == second.size(1):
        return first, second
    raise ValueError(
        f"Expected {sides[0].name(field)} and {sides[1].name(field)} to be [N] both, or [N, V] "
        f"with one V (got shapes {tuple(first.shape)} and {tuple(second.shape)})"
    )


def one_hot_labels(
    first: Tensor, second: Tensor, dtype: torch.dtype = torch.float
) -> tuple[Tensor, Tensor]:
    """Return integers [N1], [N2] as one-hot rows over the values that occur in either."""
    values, index = torch.unique(torch.cat([first, second]), return_inverse=True)
    rows = F.one_hot(index, max(values.numel(), 1)).to(dtype)
    return rows[: first.numel()], rows[first.numel() :]


def _activation(side: Side) -> Tensor:
    activation = side.get("activation")
    if activation.dim() != 1 or not activation.is_floating_point():
        raise ValueError(
            f"Expected {side.name('activation')} to be [N] floating-point numbers "
            f"(got {activation.dtype} of shape {tuple(activation.shape)})"
        )
    return activation


def _split_pairs(pairs: Data) -> tuple[Side, Side]:
    """Separate a batch of pairs of graphs, as PyG keeps them in one ``Data`` each."""
    sides = []
    for suffix in ("_s", "_t"):
        batch = f"activation{suffix}_batch"
        if batch not in pairs:
            raise ValueError(
                f"Expected 'first', alone, to have '{batch}', "
                f"with follow_batch=['activation{suffix}'] (got {pairs})"
            )
        graphs = Batch(batch=pairs[batch])
        for field in ("activation", "label", "kind", "edge_index"):
            graphs[field] = pairs.get(field + suffix)
        graphs._num_graphs = pairs.num_graphs
        sides.append(Side(graphs, "first", suffix))
    return sides[0], sides[1]
