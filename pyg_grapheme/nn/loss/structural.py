"""How different two graphs of different sizes are, as one differentiable number."""

import math
from typing import NamedTuple, get_args

from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_grapheme.nn.loss.graph_features import GraphFeatures, graph_features, split_pairs
from pyg_grapheme.nn.loss.terms import (
    clique_term,
    edge_term,
    node_cost,
    node_term,
    with_unmatched,
)
from pyg_grapheme.nn.transport.sinkhorn import GradientName, SinkhornOutput, sinkhorn
from pyg_grapheme.options import expect_count, expect_flag, expect_one_of


class StructuralOutput(NamedTuple):
    """The structural difference of each of B pairs.

    Attributes:
        total: [B], alpha * node + beta * edge + gamma * clique, debiased if asked for.
        node: [B], cost of matching the nodes.
        edge: [B], edges without a counterpart.
        clique: [B], difference of density.
        transport: The plan that matches the nodes, and whether it has converged; with unmatched
            nodes, its last row and column are the dummies.
    """

    total: Tensor
    node: Tensor
    edge: Tensor
    clique: Tensor
    transport: SinkhornOutput


class StructuralLoss(nn.Module):
    r"""Compare two batches of graphs, pair by pair.

    .. math:: \text{total} = \alpha\,\text{node} + \beta\,\text{edge} + \gamma\,\text{clique}

    The nodes of a pair are matched by entropic optimal transport
    (:func:`~pyg_grapheme.nn.transport.sinkhorn.sinkhorn`), the edges under that matching, and the
    densities without one; :mod:`pyg_grapheme.nn.loss.terms` defines each term.

    Identical graphs cost something: the entropy, and repeated graphemes, which a matching of node
    features can't tell apart. ``debias`` takes it away:
    total(a, b) - (total(a, a) + total(b, b)) / 2.

    Args:
        alpha: Weight of the nodes.
        beta: Weight of the edges.
        gamma: Weight of the densities.
        temperature: Of the transport, > 0.
        max_iterations: Of the transport, >= 1.
        tolerance: Marginal error at which the transport of a pair is done.
        debias: Whether identical graphs shall have a total of zero; costs three times as much.
        unmatched: Price of leaving a node without a counterpart, >= 0. If None every node has one,
            or a share of one, and a difference of sizes costs 1 a node.
        node_weights: What a difference of type, activation and degree counts.
        gradient: Of the transport: "unrolled" or "implicit".
        annealing: Of the transport, for temperatures below 0.01.

    Differentiation: exact in activations and distributions; the density term is constant in both,
        and so are all sizes and degrees. With ``gradient="implicit"``, as far as the transport has
        converged.
    Cost: O(B n1 n2) an iteration of the transport.
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
        if len(node_weights) != 3:
            raise ValueError(f"Expected 'node_weights' to be 3 numbers (got {node_weights!r})")
        weights = {"alpha": alpha, "beta": beta, "gamma": gamma}
        weights.update(zip(("type", "activation", "degree"), node_weights, strict=True))
        for name, weight in weights.items():
            if not math.isfinite(weight):
                raise ValueError(f"Expected '{name}' to be finite (got {weight})")
        for name, value in (("temperature", temperature), ("tolerance", tolerance)):
            if not 0 < value < math.inf:
                raise ValueError(f"Expected '{name}' to be positive (got {value})")
        if unmatched is not None and not 0 <= unmatched < math.inf:
            raise ValueError(f"Expected 'unmatched' to be at least 0 (got {unmatched})")
        expect_flag("debias", debias)
        expect_flag("annealing", annealing)
        expect_one_of("gradient", gradient, get_args(GradientName))
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        self.temperature, self.tolerance = temperature, tolerance
        self.max_iterations = expect_count("max_iterations", max_iterations)
        self.debias = debias
        self.unmatched, self.node_weights = unmatched, node_weights
        self.gradient, self.annealing = gradient, annealing

    def forward(self, first: Data, second: Data | None = None) -> StructuralOutput:
        """Compare graph b of ``first`` with graph b of ``second``.

        Args:
            first: A PyG graph or ``Batch`` with ``activation`` [N], ``grapheme`` and ``category``
                ([N] integers or [N, V] distributions), and ``edge_index``.
            second: Likewise, of as many graphs. Without it, ``first`` is a batch of pairs:
                :func:`~pyg_grapheme.nn.loss.graph_features.split_pairs` says what it has.
        """
        if second is None:
            first, second = split_pairs(first)
        return self.compare(*graph_features(first, second))

    def compare(self, first: GraphFeatures, second: GraphFeatures) -> StructuralOutput:
        """Compare graphs given by their features, as :meth:`forward` does."""
        output = self._compare(first, second)
        if not self.debias:
            return output
        own = self._compare(first, first).total + self._compare(second, second).total
        return output._replace(total=output.total - own / 2)

    def _compare(self, first: GraphFeatures, second: GraphFeatures) -> StructuralOutput:
        cost, rows, columns = node_cost(first, second, self.node_weights)
        if self.unmatched is not None:
            cost, rows, columns = with_unmatched(cost, rows, columns, self.unmatched)
        transport = sinkhorn(
            cost,
            rows,
            columns,
            temperature=self.temperature,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            gradient=self.gradient,
            annealing=self.annealing,
        )
        plan = transport.plan
        if self.unmatched is None:
            node = node_term(plan, cost, rows, columns)
        else:
            node, plan = (plan * cost).sum((1, 2)), plan[:, :-1, :-1]
        edge = edge_term(plan, first, second)
        clique = clique_term(first, second, cost.dtype)
        total = self.alpha * node + self.beta * edge + self.gamma * clique
        return StructuralOutput(total, node, edge, clique, transport)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(alpha={self.alpha}, beta={self.beta}, gamma={self.gamma}, "
            f"temperature={self.temperature}, debias={self.debias}, unmatched={self.unmatched})"
        )
