"""The distinct clusters of the cuts of a dendrogram."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.filtration import expected_value
from pyg_grapheme.options import expect_rows


class Clusters(NamedTuple):
    """The U distinct clusters of all cuts of B graphs: at most 2 n - 1 per graph of n nodes.

    The N single nodes come first, in their order; then the merged clusters, by graph and falling
    height. Each cluster comes before its parent.

    Attributes:
        probability: [U], that the cluster exists at the noisy threshold; differentiable.
        size: [U], number of nodes.
        parent: [U], the smallest cluster that contains it, -1 if there is none.
        birth: [U], the step at which it appears, 0 for single nodes: it is in the cuts of its graph
            from ``birth`` to ``death - 1`` steps.
        death: [U], the step at which it is merged, S + 1 if never.
        graph: [U].
        order: [N], the nodes such that every cluster is an interval of them.
        start: [U], the first position of each cluster in ``order``.
        num_graphs: B.
    """

    probability: Tensor
    size: Tensor
    parent: Tensor
    birth: Tensor
    death: Tensor
    graph: Tensor
    order: Tensor
    start: Tensor
    num_graphs: int

    def sum(self, x: Tensor) -> Tensor:
        """Sum the features of the nodes of each cluster: [N, ...] -> [U, ...].

        The sums are differences of prefix sums over the batch, in float64, or int64 for integers:
        their rounding error is relative to the sum over all nodes.

        Raises:
            ValueError: if ``x`` has not N rows, or is not finite: one NaN would reach all clusters.

        Differentiation: exact in x.
        Cost: O((N + U) F).
        """
        summed = self._wide_sum(x)
        return summed.to(x.dtype) if x.is_floating_point() else summed

    def mean(self, x: Tensor) -> Tensor:
        """Average the features of the nodes of each cluster: as :meth:`sum`, over the size."""
        summed = self._wide_sum(x)
        mean = summed / self.size.view(-1, *[1] * (summed.dim() - 1))
        return mean.to(x.dtype if x.is_floating_point() else torch.get_default_dtype())

    def _wide_sum(self, x: Tensor) -> Tensor:
        """Sums [U, ...] in float64 or int64."""
        x = expect_rows("x", x, self.order.numel(), "nodes")
        if not bool(x.isfinite().all()):
            raise ValueError("Expected 'x' to be finite (got NaN or infinity)")
        wide = x.double() if x.is_floating_point() else x.long()
        in_order = wide.index_select(0, self.order)
        # PyG's ``cumsum`` starts at zero too, but is not differentiable.
        prefix = torch.cat([torch.zeros_like(wide[:1]), in_order.cumsum(0)])
        start, size = self.start[wide.size(0) :], self.size[wide.size(0) :]
        merged = prefix.index_select(0, start + size) - prefix.index_select(0, start)
        return torch.cat([wide, merged])

    def expectation(self, value: Tensor) -> Tensor:
        """Return the expected sum [B, ...] of a value [U, ...] over the clusters that exist.

        It is exact, without a loop over cuts, for what is a sum over clusters, such as their
        number.

        Differentiation: exact in the values and in what the probabilities depend on.
        """
        return expected_value(value, self.probability, self.graph, self.num_graphs, "clusters")
