"""The cuts of a batch of graphs, and expectations over them."""

from typing import Generic, NamedTuple, TypeVar

from torch import Tensor

from pyg_grapheme.filtration.expectation import sampled_expectation

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
        return sampled_expectation(
            value, self.weight, self.half_weights, self.graph, self.num_graphs
        )
