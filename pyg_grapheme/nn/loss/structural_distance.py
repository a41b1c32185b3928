"""An estimate of the graph edit distance that needs no training."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import degree

from pyg_grapheme.nn.loss.graph_features import (
    GraphFeatures,
    Side,
    check_pair,
    distributions,
)
from pyg_grapheme.nn.loss.reach import reach
from pyg_grapheme.nn.loss.structural_loss import StructuralLoss
from pyg_grapheme.nn.transport.sinkhorn import GradientName

_POWER = 0.586


class DistanceOutput(NamedTuple):
    """The distance of each of B pairs of graphs.

    Attributes:
        distance: [B], estimated number of edits, >= 0.
        similarity: [B], exp(-distance / mean number of nodes of the pair), in (0, 1].
        converged: [B], whether all transports of the pair have converged.
    """

    distance: Tensor
    similarity: Tensor
    converged: Tensor


class StructuralDistance(nn.Module):
    r"""Estimate the graph edit distance of two batches of graphs, pair by pair.

    .. math::
        d(a, b) = \bar{n}^{1 - p} \max\left(0,
        \frac{L(a, b) + L(b, a) - L(a, a) - L(b, b)}{2}\right)

    L is the total of a :class:`~pyg_grapheme.nn.loss.structural_loss.StructuralLoss` with unmatched
    nodes, n the mean number of nodes of the pair, and p = 0.586. Nodes are compared by label,
    degree and the number of nodes within two steps. The distance is symmetric, zero for isomorphic
    graphs, and not a metric: the triangle inequality can fail, and other graphs can have distance
    zero as well. An edit inserts or deletes a node or an edge, or changes a label.

    The constants were chosen on pairs of training graphs of AIDS700nef (molecules of at most 10
    nodes, undirected) to order graphs as the exact distance does, and then scaled to the least
    squared error of the similarity. On its test graphs, each of which ranks the 560 training graphs
    (SimGNN's protocol), the similarity reaches Spearman's rho 0.875 and Kendall's tau 0.722, at a
    mean squared error of 1.61e-3 (half of it, as published). SimGNN, trained on such pairs, is
    published with 0.843, 0.690 and 1.19e-3. The distance is off by 1.06 edits on average, at a mean
    of 8.9. On other graphs, trust the order more than the number.

    Args:
        max_iterations: Upper bound on the iterations of each transport, >= 1.
        tolerance: Marginal error at which a transport is done, > 0.
        gradient: Gradient of the transport: "unrolled" or "implicit".

    Raises:
        ValueError: if an option is invalid.

    Differentiation: in the distributions over labels, if ``label`` or ``x`` is one; zero where the
        distance is clamped at 0. The structure is constant.
    Cost: four transports of O(B n1 n2) per iteration.

    Example:
        >>> path = Data(num_nodes=3, edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> pair = Data(num_nodes=2, edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> distance = StructuralDistance()
        >>> distance(path, path).similarity
        tensor([1.])
        >>> bool(distance(path, pair).distance > 0)
        True
    """

    def __init__(
        self,
        *,
        max_iterations: int = 200,
        tolerance: float = 0.01,
        gradient: GradientName = "unrolled",
    ) -> None:
        super().__init__()
        self.loss = StructuralLoss(
            0.676,
            0.239,
            4.55,
            temperature=0.198,
            max_iterations=max_iterations,
            tolerance=tolerance,
            unmatched=1.06,
            node_weights=(0.619, 0.0873, 0.695),
            gradient=gradient,
        )

    def forward(self, first: Data, second: Data) -> DistanceOutput:
        """Compare graph b of ``first`` with graph b of ``second``.

        Args:
            first: A PyG graph or ``Batch`` with ``edge_index``, every undirected edge in both
                directions, and ``label``, [N] integers or [N, V] distributions, or ``x``, likewise.
                If neither side has any, all nodes are alike.
            second: Likewise, with as many graphs.

        Raises:
            ValueError: naming the argument and the field that does not fit.
        """
        return self.compare(*distance_features(first, second))

    def compare(self, first: GraphFeatures, second: GraphFeatures) -> DistanceOutput:
        """Compare graphs given by their :func:`distance_features`."""
        pairs = ((first, second), (second, first), (first, first), (second, second))
        there, back, *own = (self.loss.compare(*pair) for pair in pairs)
        total = (there.total + back.total - own[0].total - own[1].total).clamp(min=0) / 2
        sizes = sum(degree(one.batch, one.num_graphs, total.dtype) for one in (first, second))
        # Two empty graphs have distance 0.
        size = (sizes / 2).clamp(min=0.5)
        exponent = total / size**_POWER
        similarity = (-exponent).exp().clamp(min=torch.finfo(total.dtype).tiny)
        converged = torch.stack([o.transport.converged for o in (there, back, *own)]).all(0)
        return DistanceOutput(exponent * size, similarity, converged)


def distance_features(first: Data, second: Data) -> tuple[GraphFeatures, GraphFeatures]:
    """Read two PyG graphs or batches as :class:`StructuralDistance` compares them.

    Args:
        first: As in :meth:`StructuralDistance.forward`.
        second: Likewise.
    """
    sides = Side(first, "first"), Side(second, "second")
    for side in sides:
        side.get("edge_index")
    field = next((f for f in ("label", "x") if any(s.data.get(f) is not None for s in sides)), None)
    sizes = [
        int(side.data.num_nodes or 0) if field is None else len(side.get(field)) for side in sides
    ]
    graphs = check_pair(sides, field, sizes)
    if field is None:
        labels = tuple(part.x.new_ones(size, 1) for part, size in zip(graphs, sizes, strict=True))
    else:
        labels = distributions(field, sides, graphs, torch.get_default_dtype())
        for side, label in zip(sides, labels, strict=True):
            if not bool(((label.sum(1) - 1).abs() < 1e-3).all() & (label >= 0).all()):
                raise ValueError(
                    f"Expected {side.name(field)} to be integers [N], one-hot, or distributions "
                    f"[N, V] (got rows that are none)"
                )
    dtype = torch.promote_types(labels[0].dtype, labels[1].dtype)
    dtype = torch.promote_types(dtype, torch.get_default_dtype())
    one, other = (
        GraphFeatures(
            reach(part.edge_index, size).to(dtype) / 10,
            label,
            label,
            part.edge_index,
            part.batch,
            part.num_graphs,
        )
        for part, size, label in zip(graphs, sizes, labels, strict=True)
    )
    return one, other
