"""The steps of a filtration whose decisions are independent of each other."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.filtration.cut_probabilities import cut_probabilities
from pyg_grapheme.filtration.sample_cuts import CutSample, sample_cuts
from pyg_grapheme.filtration.score_order import score_order
from pyg_grapheme.graphs import batch_ptr, segment_positions


class Steps(NamedTuple):
    """M decisions in B graphs, each made at thresholds below its score: nodes split, for example.

    Decisions of equal score in one graph are one step. A graph with S steps has S + 1 cuts, from no
    decision (0 steps) to all (S steps).

    Attributes:
        step: [M], the step of each decision in its graph, from 1.
        graph: [M], the graph of each decision.
        height: [S over all graphs], by graph; falling in each; differentiable.
        num_steps: [B], S of each graph.
    """

    step: Tensor
    graph: Tensor
    height: Tensor
    num_steps: Tensor

    def coarsen(self, levels: int) -> "Steps":
        """Return a coarser family of at most ``levels`` steps per graph.

        The steps of each graph are split by rank into that many groups of equal size; each group
        becomes one step, at its lowest height.
        """
        num_steps = self.num_steps.clamp(max=levels)
        graph, group = segment_positions(num_steps)
        last = (group + 1) * self.num_steps[graph] // num_steps[graph]
        height = self.height[cumsum(self.num_steps)[graph] + last - 1]
        total = self.num_steps[self.graph]
        step = (self.step * num_steps[self.graph] + total - 1) // total
        return Steps(step, self.graph, height, num_steps)

    def sample(
        self, threshold: Tensor, temperature: float, min_mass: float, max_cuts: int | None
    ) -> CutSample:
        """Return the cuts at a noisy threshold, or some of them, with weights: ``sample_cuts``.

        Args:
            threshold: Scalar or [B].
            temperature: T.
            min_mass: In (0, 1].
            max_cuts: The largest number of cuts per graph.
        """
        probability = cut_probabilities(self.height, self.num_steps, threshold, temperature)
        return sample_cuts(probability, self.num_steps + 1, min_mass, max_cuts)


def score_steps(score: Tensor, graph: Tensor, num_graphs: int) -> Steps:
    """Return the steps of decisions with these scores.

    Args:
        score: [M]; where it is NaN, so are the probabilities of the last cuts of the graph.
        graph: [M], the graph of each decision, in any order.
        num_graphs: B.

    Differentiation: heights are exact in the scores wherever they differ; tied scores share the
        gradient of their step equally.
    Cost: O(M log M).
    """
    # NaN comes last: a group of steps that holds one has the height NaN, and no height is lost.
    order = score_order(score, nan=-torch.inf)
    order = order.index_select(0, graph.index_select(0, order).argsort(stable=True))
    ordered, owner = score.index_select(0, order), graph.index_select(0, order)
    value = ordered.detach()
    is_new = torch.ones_like(owner)
    is_new[1:] = ((value[1:] != value[:-1]) | (owner[1:] != owner[:-1])).long()
    first = is_new.nonzero().view(-1)
    height, index = ordered, is_new.cumsum(0) - 1
    if first.numel() < order.numel():
        mean = scatter(ordered, index, dim_size=first.numel(), reduce="mean")
        # Tied scores are equal, but their rounded mean may differ: heights must keep their order.
        height = value.index_select(0, first) + (mean - mean.detach())
    ptr = batch_ptr(owner.index_select(0, first), num_graphs)
    step = torch.empty_like(order).scatter_(0, order, index - ptr.index_select(0, owner) + 1)
    return Steps(step, graph, height, ptr.diff())
