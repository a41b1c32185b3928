"""Every clustering that the threshold's noise can lead to, with its probability."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.nn.pool.components import component_roots
from pyg_grapheme.nn.pool.copies import Copies, copy_graphs
from pyg_grapheme.nn.pool.dendrogram import Dendrogram, single_linkage


class CutStructure(NamedTuple):
    """All cuts of all graphs as one batch of R copies, clustered.

    Attributes:
        weight: [R], probability of each cut; differentiable, sums to 1 in each graph.
        graph: [R], the input graph that each cut is of.
        copies: The R copies of the input graphs, with the pairs as edges.
        root: [N'], the smallest node of the cluster of each copied node.
    """

    weight: Tensor
    graph: Tensor
    copies: Copies
    root: Tensor


def enumerate_cuts(
    score: Tensor,
    pairs: Tensor,
    batch: Tensor,
    num_graphs: int,
    threshold: Tensor,
    temperature: float,
) -> CutStructure:
    """List every clustering of every graph, finest first, with its probability.

    The threshold of each graph is ``threshold + temperature * eps``, eps standard logistic. Its
    clustering is then a cut of the dendrogram, cut k having the probability that the threshold
    falls between the heights of steps k and k + 1.

    Args:
        score: [M].
        pairs: [2, M].
        batch: [N], sorted.
        num_graphs: B.
        threshold: Scalar.
        temperature: T.

    Differentiation: ``weight`` is exact in the threshold, and in the scores wherever heights
    differ; pairs of equal score that join at one step share its gradient equally.
    Cost: O(sum over graphs of steps * (nodes + pairs)), in time and memory.
    """
    dendrogram = single_linkage(score, pairs, batch, num_graphs)
    graph = torch.repeat_interleave(dendrogram.num_steps + 1)
    level = torch.arange(graph.numel(), device=graph.device)
    level = level - cumsum(dendrogram.num_steps + 1)[graph]
    copies = copy_graphs(pairs, batch, num_graphs, graph)
    root = _roots_at_levels(dendrogram, copies, pairs, level)
    height = step_heights(score, dendrogram, copies, root, batch[pairs[0]])
    weight = cut_probabilities(height, dendrogram.num_steps, threshold, temperature)
    return CutStructure(weight, graph, copies, root)


def _roots_at_levels(
    dendrogram: Dendrogram, copies: Copies, pairs: Tensor, level: Tensor
) -> Tensor:
    """Smallest node of the cluster of every copied node, [N']."""
    step = level.new_full((pairs.size(1),), level.numel())
    step[dendrogram.joint] = dendrogram.step
    joined = step[copies.edge] <= level[copies.batch[copies.edge_index[0]]]
    return component_roots(copies.edge_index[:, joined], copies.node.numel())


def step_heights(
    score: Tensor, dendrogram: Dendrogram, copies: Copies, root: Tensor, graph_of_pair: Tensor
) -> Tensor:
    """Height of every step of every graph, [sum of num_steps], differentiable in the scores.

    A step's height is the mean over all pairs that join at it with just that score, not only over
    those that the forest happened to take: the order of the nodes decides nothing.
    """
    apart = root[copies.edge_index[0]] != root[copies.edge_index[1]]
    step_of_pair = scatter(apart.long(), copies.edge, dim_size=score.numel())
    first_step = cumsum(dendrogram.num_steps)
    at = first_step[graph_of_pair] + step_of_pair - 1
    total = int(first_step[-1])
    best = score.detach().new_full((total,), -torch.inf)
    best = best.scatter_reduce(0, at, score.detach(), "amax")
    highest = score.detach() == best[at]
    height: Tensor = scatter(score[highest], at[highest], dim_size=total, reduce="mean")
    return height


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
    return torch.exp(log_above + log_below) * -torch.expm1(gap)
