"""The cuts of a batch of graphs, and expectations over them."""

from typing import Generic, NamedTuple, TypeVar

from torch import Tensor

from pyg_grapheme.filtration.expectation import expected_value

Output = TypeVar("Output")


class Cuts(NamedTuple, Generic[Output]):
    """R cuts of the B input graphs: the graphs that a noisy threshold can lead to, as one batch.

    Attributes:
        output: What the layer returns for the batch of R graphs; its history is about the copies of
            the input nodes.
        graph: [R], the input graph of each cut; sorted.
        node: [N'], the input node of each copied node: ``cuts.output.history.lift(z)`` aligns with
            ``x[cuts.node]``.
        batch: [N'], the cut of each copied node; sorted.
        weight: [R], the probability of each cut or, for sampled graphs, an unbiased estimate;
            differentiable, sums to 1 in each input graph.
        num_graphs: B.
        dropped: [B], probability of the cuts that ``min_mass`` left out.
        half_weights: [R, 2], the parts of the weight that come from each half of the sample; None
            if no graph is sampled.
    """

    output: Output
    graph: Tensor
    node: Tensor
    batch: Tensor
    weight: Tensor
    num_graphs: int
    dropped: Tensor
    half_weights: Tensor | None = None

    @property
    def num_cuts(self) -> int:
        """R."""
        return self.graph.numel()

    def expectation(self, value: Tensor) -> Tensor:
        """Return the expectation [B, ...] of a value [R, ...] per cut over the cuts of each graph.

        A value that is not finite makes the expectation so, however improbable its cut.

        Raises:
            ValueError: if ``value`` has not R rows.

        Differentiation: exact in the values and in what the weights depend on. If cuts are sampled,
            unbiased, with a baseline if there are two samples per graph or more: each half is
            compared with the mean of the other, so that a number added to all values does not
            change the gradient.
        """
        expected = self._sum(value, self.weight)
        if self.half_weights is None:
            return expected
        for half, other in ((0, 1), (1, 0)):
            weight, other_weight = self.half_weights[:, half], self.half_weights[:, other].detach()
            total = self._sum(other_weight, other_weight.new_ones(self.num_cuts))
            # An empty half (max_cuts=1) gives no baseline: zero.
            share = other_weight / total.masked_fill(total == 0, 1)[self.graph]
            baseline = self._sum(value.detach(), share)
            expected = expected - self._sum(baseline[self.graph], weight - weight.detach())
        return expected

    def _sum(self, value: Tensor, weight: Tensor) -> Tensor:
        return expected_value(value, weight, self.graph, self.num_graphs)
