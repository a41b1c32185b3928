"""Expectations over the members of filtrations."""

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.options import expect_rows


def expected_value(
    value: Tensor, weight: Tensor, graph: Tensor, num_graphs: int, member: str = "cuts"
) -> Tensor:
    """Return the weighted sums [B, ...] of a value [R, ...] per member of each graph's filtration.

    A value that is not finite makes the sum so, however small its weight.

    Args:
        value: [R, ...].
        weight: [R].
        graph: [R].
        num_graphs: B.
        member: Name of the R things, for the error.

    Raises:
        ValueError: if ``value`` has not R rows.

    Differentiation: exact in values and weights.
    """
    value = expect_rows("value", value, graph.numel(), member)
    weighted = (value.movedim(0, -1) * weight).movedim(-1, 0)
    summed: Tensor = scatter(weighted, graph, dim_size=num_graphs)
    return summed


def sampled_expectation(
    value: Tensor, weight: Tensor, half_weights: Tensor | None, graph: Tensor, num_graphs: int
) -> Tensor:
    """Return the expectation [B, ...] of a value [R, ...] per cut, some of which may be sampled.

    The gradient has a baseline: each half of a sample is compared with the mean of the other, so
    that a number added to all values does not change it.

    Args:
        value: [R, ...].
        weight: [R]; see ``CutSample``.
        half_weights: [R, 2], or None if no graph is sampled.
        graph: [R].
        num_graphs: B.

    Raises:
        ValueError: if ``value`` has not R rows.

    Differentiation: exact in the values and in what the weights depend on; unbiased for samples.
    """
    expected = expected_value(value, weight, graph, num_graphs)
    if half_weights is None:
        return expected
    for half, other in ((0, 1), (1, 0)):
        own, other_weight = half_weights[:, half], half_weights[:, other].detach()
        total = expected_value(other_weight, torch.ones_like(other_weight), graph, num_graphs)
        # An empty half (max_cuts=1) gives no baseline: zero.
        share = other_weight / total.masked_fill(total == 0, 1)[graph]
        baseline = expected_value(value.detach(), share, graph, num_graphs)
        difference = expected_value(baseline[graph], own - own.detach(), graph, num_graphs)
        expected = expected - difference
    return expected
