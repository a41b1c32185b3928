"""Every clustering that the threshold's noise can lead to, with its probability."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.filtration.sample_members import CutChoice, choose_cuts
from pyg_grapheme.graphs.repeat_graphs import RepeatedGraphs, repeat_graphs
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram, single_linkage
from pyg_grapheme.nn.pool.dendrogram.spanning_forest import bottleneck


class CutStructure(NamedTuple):
    """All cuts of all graphs as one batch of R copies, clustered.

    Attributes:
        weight: [R], probability of each cut; differentiable, sums to 1 in each graph.
        graph: [R], the input graph that each cut is of.
        copies: The R copies of the input graphs, with the joints as edges.
        root: [N'], the smallest node of the cluster of each copied node.
        choice: Which of all cuts these are, and why.
    """

    weight: Tensor
    graph: Tensor
    copies: RepeatedGraphs
    root: Tensor
    choice: CutChoice


def enumerate_cuts(
    candidates: Candidates,
    batch: Tensor,
    num_graphs: int,
    threshold: Tensor,
    temperature: float,
    mass: float = 1.0,
    max_cuts: int | None = None,
) -> CutStructure:
    """List every clustering of every graph, finest first, with its probability.

    The threshold of each graph is ``threshold + temperature * eps``, eps standard logistic. Its
    clustering is then a cut of the dendrogram, cut k having the probability that the threshold
    falls between the heights of steps k and k + 1.

    Args:
        candidates: The M pairs and their scores.
        batch: [N], sorted.
        num_graphs: B.
        threshold: Scalar.
        temperature: T.
        mass: As for :func:`choose_cuts`.
        max_cuts: As for :func:`choose_cuts`.

    Differentiation: ``weight`` is exact in the threshold, and in the scores wherever heights
    differ; pairs of equal score that join at one step share its gradient equally.
    Cost: O(sum over graphs of steps * nodes + M log N), in time; in memory without the last term
        where the candidates come in blocks.
    """
    dendrogram = single_linkage(candidates, batch, num_graphs)
    num_cuts = dendrogram.num_steps + 1
    height = step_heights(candidates, dendrogram, batch.numel())
    probability = cut_probabilities(height, dendrogram.num_steps, threshold, temperature)
    choice = choose_cuts(probability, num_cuts, mass, max_cuts)
    graph = torch.repeat_interleave(num_cuts)[choice.cut]
    level = choice.cut - cumsum(num_cuts)[graph]
    copies = repeat_graphs(dendrogram.pairs, batch, num_graphs, graph)
    joined = dendrogram.step[copies.edge] <= level[copies.batch[copies.edge_index[0]]]
    root = component_roots(copies.edge_index[:, joined], copies.node.numel())
    return CutStructure(choice.weight, graph, copies, root, choice)


def drawn_log_prob(
    candidates: Candidates,
    batch: Tensor,
    num_graphs: int,
    threshold: Tensor,
    temperature: float,
    drawn: Tensor,
) -> Tensor:
    """Log-probability [B] of the clustering of each graph at the threshold [B] that it has drawn.

    Differentiation: as the weights of :func:`enumerate_cuts`.
    Cost: O((N + M) log N).
    """
    dendrogram = single_linkage(candidates, batch, num_graphs)
    height = step_heights(candidates, dendrogram, batch.numel())
    log_sides, between = _cut_factors(height, dendrogram.num_steps, threshold, temperature)
    graph = torch.repeat_interleave(dendrogram.num_steps)
    level = scatter((height.detach() > drawn[graph]).long(), graph, dim_size=num_graphs)
    cut: Tensor = cumsum(dendrogram.num_steps + 1)[:-1] + level
    return log_sides[cut] + between[cut].log()


def step_heights(candidates: Candidates, dendrogram: Dendrogram, num_nodes: int) -> Tensor:
    """Height of every step of every graph, [sum of num_steps], differentiable in the scores.

    A step's height is the mean over all pairs that join at it with just that score, not only over
    those that the forest happened to take: the order of the nodes decides nothing.
    """
    rank = torch.arange(dendrogram.step.numel(), device=dendrogram.step.device)
    at_rank = cumsum(dendrogram.num_steps)[dendrogram.graph] + dendrogram.step - 1
    total = int(dendrogram.num_steps.sum())
    height = dendrogram.height.detach()

    def tied(pairs: Tensor, score: Tensor) -> Tensor:
        joint = bottleneck(rank, dendrogram.pairs, pairs, num_nodes)
        return ~(score < height[joint])  # written so that NaN is among what ties, and comes out

    def by_step(pairs: Tensor, score: Tensor) -> Tensor:
        step = at_rank[bottleneck(rank, dendrogram.pairs, pairs, num_nodes)]
        terms = torch.stack([score, torch.ones_like(score)], dim=1)
        summed: Tensor = scatter(terms, step, dim_size=total)
        return summed

    if rank.numel() == candidates.num_pairs:
        # A forest: each of its pairs is a joint, and ties with no other path.
        terms = torch.stack([dendrogram.height, torch.ones_like(height)], dim=1)
        summed, count = scatter(terms, at_rank, dim_size=total).unbind(1)
    else:
        summed, count = candidates.total(tied, by_step).unbind(1)
    mean = summed / count
    # What ties has one score, which a mean's rounding may miss: heights must not change places.
    exact = torch.empty_like(mean.detach()).scatter_(0, at_rank, height)
    heights: Tensor = exact + (mean - mean.detach())
    return heights


def cut_probabilities(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> Tensor:
    """Probability that a logistic threshold falls between two heights, for all cuts of all graphs.

    With a = (s_k - tau) / T for the height a cut has passed and b for the next one,

        p = sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)),

    the latter without cancellation. s_0 is +infinity and the height after the last -infinity.

    Args:
        height: [S over all graphs], by graph, falling in each.
        num_steps: [B].
        threshold: Scalar tau.
        temperature: T.

    Returns:
        [S + B], graph by graph, finest cut first.
    """
    log_sides, between = _cut_factors(height, num_steps, threshold, temperature)
    return torch.exp(log_sides) * between


def _cut_factors(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Logarithm of sigmoid(a) sigmoid(-b), and 1 - exp(b - a); see :func:`cut_probabilities`."""
    num_cuts = num_steps + 1
    first = cumsum(num_cuts)
    graph = torch.repeat_interleave(num_cuts)
    position = torch.arange(graph.numel(), device=graph.device)
    is_first, is_last = position == first[graph], position == first[graph + 1] - 1
    # Cut r of graph g has passed step r - g - 1 of the list of steps; the ends are masked below.
    padded = F.pad(height, (1, 1))
    passed, ahead = padded[position - graph], padded[position - graph + 1]
    log_above = F.logsigmoid((passed - threshold) / temperature).masked_fill(is_first, 0.0)
    log_below = F.logsigmoid((threshold - ahead) / temperature).masked_fill(is_last, 0.0)
    # b - a from the heights themselves: the difference of two rounded arguments has fewer digits.
    gap = ((ahead - passed) / temperature).masked_fill(is_first | is_last, -torch.inf)
    return log_above + log_below, -torch.expm1(gap)
