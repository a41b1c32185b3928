"""The difference of graphs of different sizes, as one differentiable number per pair."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_grapheme.nn.loss.graph_features import GraphFeatures, graph_features
from pyg_grapheme.nn.loss.terms import (
    density_term,
    edge_term,
    node_cost,
    node_term,
    with_unmatched,
)
from pyg_grapheme.nn.transport.sinkhorn import GradientName, Sinkhorn, SinkhornOutput
from pyg_grapheme.options import expect_at_least, expect_flag


class StructuralOutput(NamedTuple):
    """The structural difference of each of B pairs.

    Attributes:
        total: [B], alpha * node + beta * edge + gamma * density, debiased if asked for.
        node: [B], cost of matching the nodes.
        edge: [B], edges without a counterpart.
        density: [B], difference of density.
        transport: The plan that matches the nodes, and its convergence. With unmatched nodes, its
            last row and column are the dummies.
    """

    total: Tensor
    node: Tensor
    edge: Tensor
    density: Tensor
    transport: SinkhornOutput


class StructuralLoss(nn.Module):
    r"""Compare two batches of graphs, pair by pair.

    .. math:: \text{total} = \alpha\,\text{node} + \beta\,\text{edge} + \gamma\,\text{density}

    The nodes of a pair are matched by entropic optimal transport
    (:func:`~pyg_grapheme.nn.transport.sinkhorn.sinkhorn`), the edges under that matching. The
    densities are compared without a matching; the papers on this method call that term the clique
    metric. :mod:`pyg_grapheme.nn.loss.terms` defines each term.

    The difference of identical graphs is not zero: the plan is spread by its entropy, and between
    nodes that have equal features. ``debias`` subtracts this:
    total(a, b) - (total(a, a) + total(b, b)) / 2.

    Args:
        alpha: Weight of the nodes, >= 0.
        beta: Weight of the edges, >= 0.
        gamma: Weight of the densities, >= 0.
        temperature: Temperature of the transport, > 0.
        max_iterations: Upper bound on the iterations of the transport, >= 1.
        tolerance: Marginal error at which the transport of a pair is done, > 0.
        debias: Whether to debias, so that the total of identical graphs is zero; this takes three
            times as long.
        unmatched: Price of a node without a counterpart, >= 0. If None, every node has a
            counterpart or a share of one, and each node by which the sizes differ costs 1.
        node_weights: Weights >= 0 of differences of type, activation and degree.
        gradient: Gradient of the transport: "unrolled" or "implicit".
        annealing: Whether the transport is annealed, for temperatures below 0.01.

    Raises:
        ValueError: if an option is invalid.

    Differentiation: exact in activations and distributions. The density term is constant in both,
        and so are sizes and degrees. With ``gradient="implicit"``, exact as far as the transport
        has converged.
    Cost: O(B n1 n2) per iteration of the transport.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1], [1, 2]])
        >>> graph = Data(edge_index=edge_index, label=torch.tensor([0, 1, 2]))
        >>> graph.kind, graph.activation = graph.label, torch.zeros(3)
        >>> StructuralLoss(debias=True)(graph, graph).total
        tensor([0.])
    """

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 0.5,
        gamma: float = 2.0,
        *,
        temperature: float = 0.1,
        max_iterations: int = 20,
        tolerance: float = 1e-6,
        debias: bool = False,
        unmatched: float | None = None,
        node_weights: tuple[float, float, float] = (0.1, 0.7, 0.2),
        gradient: GradientName = "unrolled",
        annealing: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(node_weights, Sequence) or len(node_weights) != 3:
            raise ValueError(f"Expected 'node_weights' to be 3 numbers (got {node_weights!r})")
        for weight in node_weights:
            expect_at_least("node_weights", weight, 0)
        self.alpha = expect_at_least("alpha", alpha, 0)
        self.beta = expect_at_least("beta", beta, 0)
        self.gamma = expect_at_least("gamma", gamma, 0)
        expect_flag("debias", debias)
        self.debias, self.node_weights = debias, node_weights
        self.unmatched = None if unmatched is None else expect_at_least("unmatched", unmatched, 0)
        self.transport = Sinkhorn(temperature, max_iterations, tolerance, gradient, annealing)

    def forward(self, first: Data, second: Data | None = None) -> StructuralOutput:
        """Compare graph b of ``first`` with graph b of ``second``.

        Args:
            first: A PyG graph or ``Batch`` with ``edge_index``; ``label`` and ``kind``, [N]
                integers or [N, V] distributions, where a kind is a coarser class of labels; and
                ``activation`` [N], any number per node, such as zero.
            second: Likewise, with as many graphs. If it is None, ``first`` is a batch of pairs; see
                :func:`~pyg_grapheme.nn.loss.graph_features.graph_features`.

        Raises:
            ValueError: naming the argument and the field that does not fit.
        """
        return self.compare(*graph_features(first, second))

    def compare(self, first: GraphFeatures, second: GraphFeatures) -> StructuralOutput:
        """Compare graphs given by their features, as :meth:`forward` does."""
        output = self._compare(first, second)
        if not self.debias:
            return output
        own = self._compare(first, first).total + self._compare(second, second).total
        return output._replace(total=output.total - own / 2)

    def _compare(self, first: GraphFeatures, second: GraphFeatures) -> StructuralOutput:
        cost, a, b = node_cost(first, second, self.node_weights)
        if self.unmatched is not None:
            cost, a, b = with_unmatched(cost, a, b, self.unmatched)
        transport = self.transport(cost, a, b)
        plan = transport.plan
        if self.unmatched is None:
            node = node_term(plan, cost, a, b)
        else:
            node, plan = (plan * cost).sum((1, 2)), plan[:, :-1, :-1]
        edge = edge_term(plan, first, second)
        density = density_term(first, second, cost.dtype)
        total = self.alpha * node + self.beta * edge + self.gamma * density
        return StructuralOutput(total, node, edge, density, transport)

    def extra_repr(self) -> str:
        """Return the constants, for ``repr``."""
        return (
            f"alpha={self.alpha}, beta={self.beta}, gamma={self.gamma}, "
            f"temperature={self.transport.temperature}, debias={self.debias}, "
            f"unmatched={self.unmatched}"
        )
