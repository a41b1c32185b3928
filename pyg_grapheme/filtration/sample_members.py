"""Which of a dendrogram's cuts are worked out, where that is not all of them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, scatter


class CutChoice(NamedTuple):
    """Some of the cuts, and what each counts for.

    Attributes:
        cut: [R], numbers of the chosen cuts, ascending.
        weight: [R], differentiable; sums to 1 in each graph.
        halves: [R, 2], what each of two independent samples adds to the weight; zero for graphs
            that are not sampled; None where no graph is.
        dropped: [B], probability of the cuts that were left out for being improbable.
    """

    cut: Tensor
    weight: Tensor
    halves: Tensor | None
    dropped: Tensor


def choose_cuts(
    probability: Tensor, num_cuts: Tensor, mass: float = 1.0, max_cuts: int | None = None
) -> CutChoice:
    """Leave out improbable cuts; of graphs that still have too many, draw some.

    First, the most probable cuts of each graph that together have at least the probability ``mass``
    are kept, and weighted by their share of what is kept. Then, where these are more than
    ``max_cuts``, that many are drawn, systematically: at equal steps through the cumulated
    probability from one random start (two of them, for a half of the draws each). A cut that is
    drawn n times of m counts as n / m times its probability over itself, detached: the sum of value
    times weight is unbiased, and so is its gradient.

    Args:
        probability: [S], of all cuts, graph by graph; differentiable.
        num_cuts: [B], how many are each graph's.
        mass: In (0, 1].
        max_cuts: Most cuts of one graph.

    Source: systematic sampling, Madow and Madow 1944, "On the theory of systematic sampling".
    Cost: O(S log S).
    """
    graph = torch.repeat_interleave(num_cuts)
    kept = _most_probable(probability.detach(), graph, num_cuts, mass)
    cut, graph = kept.nonzero().view(-1), graph[kept]
    probability = probability[kept]
    total = scatter(probability, graph, dim_size=num_cuts.numel())
    share = probability if mass == 1 else probability / total[graph]
    dropped = torch.zeros_like(total) if mass == 1 else (1 - total.detach()).clamp(min=0)
    if max_cuts is None:
        return CutChoice(cut, share, None, dropped)
    count = torch.bincount(graph, minlength=num_cuts.numel())
    sampled = (count > max_cuts)[graph]
    if not bool(sampled.any()):
        return CutChoice(cut, share, None, dropped)
    times = _draw(share.detach(), graph, count, max_cuts).to(share.dtype)
    drawn = ~sampled | (times.sum(1) > 0)
    # Written so that what is not drawn, which may have the probability 0, is not divided by it.
    ratio = share[drawn] / torch.where(sampled, share.detach(), 1.0)[drawn]
    halves = torch.where(sampled[:, None], times, 0.0)[drawn] * ratio[:, None]
    weight = torch.where(sampled[drawn], halves.sum(1), share[drawn])
    return CutChoice(cut[drawn], weight, halves, dropped)


def _most_probable(probability: Tensor, graph: Tensor, num_cuts: Tensor, mass: float) -> Tensor:
    """Mask [S] of the fewest cuts of each graph that have the mass together."""
    if mass == 1:
        return torch.ones_like(graph, dtype=torch.bool)
    order = probability.argsort(descending=True, stable=True)
    order = order[graph[order].argsort(stable=True)]
    kept = torch.empty_like(graph, dtype=torch.bool)
    kept[order] = _before(probability[order], graph, num_cuts) < mass
    return kept


def _before(probability: Tensor, graph: Tensor, num_cuts: Tensor) -> Tensor:
    """Probability of all cuts before each one in its graph, [S], in float64."""
    through: Tensor = cumsum(probability.double())
    return (through[:-1] - through[cumsum(num_cuts)[:-1]][graph]).clamp(min=0)


def _draw(share: Tensor, graph: Tensor, count: Tensor, max_cuts: int) -> Tensor:
    """Draw ``max_cuts`` cuts of each graph in two halves; how often each came, over all: [S, 2]."""
    share = share.double()
    total = scatter(share, graph, dim_size=count.numel())
    # Graph g has the stretch from g to g + 1. Points stay away from its end: behind the last cut
    # that can be drawn there may be some of probability zero, and behind those the next graph.
    before = graph + (_before(share, graph, count) / total[graph]).clamp(max=1 - 2**-26)
    owner = torch.arange(count.numel(), device=share.device)[count > 0]
    times = share.new_zeros(share.numel(), 2)
    for half, draws in enumerate((max_cuts - max_cuts // 2, max_cuts // 2)):
        if draws == 0:
            continue
        start = torch.rand(owner.numel(), 1, device=share.device, dtype=torch.double)
        steps = torch.arange(draws, device=share.device)
        point = owner[:, None] + ((start + steps) / draws).clamp(max=1 - 2**-24)
        came = torch.searchsorted(before, point.view(-1), right=True) - 1
        times[:, half] = torch.bincount(came, minlength=share.numel()).double() / max_cuts
    return times
