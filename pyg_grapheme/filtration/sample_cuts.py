"""Bounds on the number of cuts: the most probable ones, or a sample."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.filtration.cuts import Cuts, Output
from pyg_grapheme.filtration.expectation import sampled_expectation
from pyg_grapheme.graphs import RepeatedGraphs, batch_ptr, segment_positions
from pyg_grapheme.options import expect_between, expect_count


class CutSample(NamedTuple):
    """R of the cuts of B graphs, and their weights.

    Attributes:
        graph: [R], the graph of each cut; sorted.
        level: [R], the number of steps that each cut includes; ascending in each graph.
        weight: [R], differentiable; sums to 1 in each graph.
        half_weights: [R, 2], the parts of the weight that come from each of two independent halves
            of the sample; zero for graphs that are not sampled; None if no graph is.
        dropped: [B], probability of the cuts that ``min_mass`` leaves out.
    """

    graph: Tensor
    level: Tensor
    weight: Tensor
    half_weights: Tensor | None
    dropped: Tensor

    def expectation(self, value: Tensor) -> Tensor:
        """Return the expectation [B, ...] of a value [R, ...] per cut: as ``Cuts.expectation``."""
        num_graphs = self.dropped.numel()
        return sampled_expectation(value, self.weight, self.half_weights, self.graph, num_graphs)

    def with_output(self, output: Output, copies: RepeatedGraphs) -> Cuts[Output]:
        """Return the cuts with what a layer returns for them, one copy of a graph per cut."""
        return Cuts(
            output=output,
            graph=self.graph,
            node=copies.node,
            batch=copies.batch,
            weight=self.weight,
            num_graphs=self.dropped.numel(),
            dropped=self.dropped,
            half_weights=self.half_weights,
        )


def check_bounds(
    levels: int | None, min_mass: float, max_cuts: int | None
) -> tuple[int | None, int | None]:
    """Return the bounds ``levels`` and ``max_cuts``; refuse bounds that are not as expected."""
    expect_between("min_mass", min_mass, 0, math.nextafter(1, 2), "in (0, 1]")
    max_cuts = None if max_cuts is None else expect_count("max_cuts", max_cuts)
    return None if levels is None else expect_count("levels", levels), max_cuts


def sample_cuts(
    probability: Tensor, num_cuts: Tensor, min_mass: float = 1.0, max_cuts: int | None = None
) -> CutSample:
    """Leave out improbable cuts, then sample the graphs that still have too many.

    First, the most probable cuts of each graph that together have at least the probability
    ``min_mass`` are kept, and renormalised. Then ``max_cuts`` cuts are sampled of each graph that
    has more. The sample is systematic: equal steps through the cumulated probability from a random
    start. There are two starts, one per half of the sample. A cut that is sampled n times of m has
    the weight n / m times its probability over itself, detached: the sum of value times weight is
    unbiased, and so is its gradient.

    Args:
        probability: [S], of all cuts, graph by graph; differentiable.
        num_cuts: [B].
        min_mass: In (0, 1].
        max_cuts: The largest number of cuts per graph.

    Source: systematic sampling, Madow and Madow 1944, "On the theory of systematic sampling".
    Cost: O(S log S).
    """
    graph, level = segment_positions(num_cuts)
    dropped = probability.new_zeros(num_cuts.numel())
    if min_mass < 1:
        kept = _most_probable(probability.detach(), graph, num_cuts, min_mass)
        graph, level, probability = graph[kept], level[kept], probability[kept]
        total = scatter(probability, graph, dim_size=num_cuts.numel())
        probability = probability / total[graph]
        dropped = (1 - total.detach()).clamp(min=0)
    ptr = batch_ptr(graph, num_cuts.numel())
    if max_cuts is None or not bool((ptr.diff() > max_cuts).any()):
        return CutSample(graph, level, probability, None, dropped)
    frequency = _sample_systematically(probability.detach(), graph, ptr, max_cuts)
    frequency = frequency.to(probability.dtype)
    is_sampled = (ptr.diff() > max_cuts)[graph]
    chosen = ~is_sampled | (frequency.sum(1) > 0)
    # A cut of probability 0 is never sampled; the division by 1 keeps it from becoming NaN.
    ratio = probability[chosen] / torch.where(is_sampled, probability.detach(), 1.0)[chosen]
    half_weights = torch.where(is_sampled[:, None], frequency, 0.0)[chosen] * ratio[:, None]
    weight = torch.where(is_sampled[chosen], half_weights.sum(1), probability[chosen])
    return CutSample(graph[chosen], level[chosen], weight, half_weights, dropped)


def _most_probable(probability: Tensor, graph: Tensor, num_cuts: Tensor, min_mass: float) -> Tensor:
    """Mask [S] of the fewest cuts of each graph that together have the mass."""
    order = probability.argsort(descending=True, stable=True)
    order = order[graph[order].argsort(stable=True)]
    kept = torch.empty_like(graph, dtype=torch.bool)
    kept[order] = _mass_before(probability[order], graph, cumsum(num_cuts)) < min_mass
    return kept


def _mass_before(probability: Tensor, graph: Tensor, ptr: Tensor) -> Tensor:
    """Probability of the cuts of the same graph before each cut, [S], in float64."""
    through: Tensor = cumsum(probability.double())
    return (through[:-1] - through[ptr[:-1]][graph]).clamp(min=0)


def _sample_systematically(
    probability: Tensor, graph: Tensor, ptr: Tensor, max_cuts: int
) -> Tensor:
    """Relative frequency [S, 2] of each cut in the two halves of a sample of each graph."""
    probability = probability.double()
    total = scatter(probability, graph, dim_size=ptr.numel() - 1)
    # Graph g has the interval from g to g + 1. Points stay away from its end: after the last cut
    # that can be sampled there may be some of probability 0, and after those the next graph.
    before = graph + (_mass_before(probability, graph, ptr) / total[graph]).clamp(max=1 - 2**-26)
    nonempty = (ptr.diff() > 0).nonzero()
    frequency = probability.new_zeros(probability.numel(), 2)
    for half, size in enumerate((max_cuts - max_cuts // 2, max_cuts // 2)):
        if size == 0:
            continue
        start = torch.rand(nonempty.numel(), 1, device=ptr.device, dtype=torch.double)
        steps = torch.arange(size, device=ptr.device)
        point = nonempty + ((start + steps) / size).clamp(max=1 - 2**-24)
        index = torch.searchsorted(before, point.view(-1), right=True) - 1
        frequency[:, half] = torch.bincount(index, minlength=probability.numel())
    return frequency / max_cuts
