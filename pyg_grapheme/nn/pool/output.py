"""What comes out of the pool."""

from typing import NamedTuple

from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool.history import MergeHistory


class PoolOutput(NamedTuple):
    """A coarser graph, in the order of PyG's pools, and how it came about.

    Attributes:
        x: [C, F].
        edge_index: [2, E'], sorted by row.
        edge_attr: [E'] or [E', D], None where the input had none.
        batch: [C], sorted.
        history: Which input node went where.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    history: MergeHistory


class Cuts(NamedTuple):
    """R cuts of the B input graphs as one batch of R pooled graphs.

    Attributes:
        output: The pooled graphs; its history runs over the copies of the input nodes.
        weight: [R], what each cut counts for: its probability, where all are there; differentiable,
            sums to 1 in each input graph.
        graph: [R], the input graph that each cut is of.
        node: [N'], the input node that each copy is of: ``cuts.output.history.lift(z)`` goes with
            ``x[cuts.node]``.
        num_graphs: B.
        dropped: [B], probability of the cuts that were left out for being improbable; None for
            none.
        halves: [R, 2], where cuts are drawn, what either half of the draws adds to the weight.
    """

    output: PoolOutput
    weight: Tensor
    graph: Tensor
    node: Tensor
    num_graphs: int
    dropped: Tensor | None = None
    halves: Tensor | None = None

    def average(self, value: Tensor) -> Tensor:
        """Average a value [R, ...] of each cut over the cuts of each graph: [B, ...].

        Differentiation: exact, in the values and in what the weights depend on, where all cuts are
            there; unbiased where they are drawn. From two draws a graph on, either half of them is
            compared with the mean of the other: adding a number to all values does not change the
            gradient. A value that is not finite makes the average so, however improbable its cut.
        """
        num_cuts = self.graph.numel()
        if not isinstance(value, Tensor) or value.dim() == 0 or value.size(0) != num_cuts:
            got = (
                f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            )
            raise ValueError(
                f"Expected 'value', what 'fn' returns, to have one row for each of the "
                f"{num_cuts} cuts (got {got})"
            )
        averaged = self._sums(value, self.weight)
        if self.halves is None:
            return averaged
        for half, other in ((0, 1), (1, 0)):
            mine, others = self.halves[:, half], self.halves[:, other].detach()
            count = self._sums(others, others.new_ones(num_cuts))
            # A half without a draw has nothing to compare with: a baseline of zero.
            baseline = self._sums(
                value.detach(), others / count.masked_fill(count == 0, 1)[self.graph]
            )
            averaged = averaged - self._sums(baseline[self.graph], mine - mine.detach())
        return averaged

    def _sums(self, value: Tensor, weight: Tensor) -> Tensor:
        """Sums [B, ...] over the cuts of each graph."""
        weight = weight.view(-1, *(1,) * (value.dim() - 1))
        summed: Tensor = scatter(value * weight, self.graph, dim_size=self.num_graphs)
        return summed
