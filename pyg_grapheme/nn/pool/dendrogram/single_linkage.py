"""Single linkage: the dendrogram of candidate pairs."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.nn.pool.dendrogram.spanning_forest import (
    SpanningForest,
    bottleneck,
    spanning_forest,
)


def single_linkage(
    candidates: Candidates, batch: Tensor, num_graphs: int, threshold: Tensor, temperature: float
) -> Dendrogram:
    """Build the dendrogram of all graphs of a batch at once.

    As the threshold falls, the clustering "every pair above the threshold, closed transitively"
    changes only at the scores of a maximum spanning forest: single linkage (Gower and Ross 1969,
    "Minimum spanning trees and single linkage cluster analysis"). Candidates of the other linkages
    and of a matching are such a forest already.

    A step's height is the mean over all candidate pairs of that score whose ends first meet at the
    step, inside the forest or not: the order of the nodes does not matter.

    Args:
        candidates: The M pairs, each inside one graph, and their scores.
        batch: [N].
        num_graphs: B.
        threshold: Scalar or [B].
        temperature: T.

    Differentiation: heights are exact in the scores wherever they differ; tied pairs share the
        gradient of their step equally. The structure is piecewise constant.
    Cost: O((N + M) log N).
    """
    merges = _merges(candidates, batch.numel())
    order = merges.score.argsort(descending=True, stable=True)
    if num_graphs > 1:
        order = order[batch[merges.pairs[0, order]].argsort(stable=True)]
    pairs, score = merges.pairs[:, order], merges.score[order]
    graph = batch[pairs[0]]
    is_new = torch.ones_like(graph)
    is_new[1:] = ((score[1:] != score[:-1]) | (graph[1:] != graph[:-1])).long()
    first = is_new.nonzero().view(-1)
    step_index = is_new.cumsum(0) - 1
    ptr = batch_ptr(graph[first], num_graphs)
    if merges.forest is None:
        mean = candidates.score_of(merges.position, merges.pairs)[order]
        if first.numel() < order.numel():
            mean = _mean(_sum_and_count(mean, step_index, first.numel()))
    else:
        step_of_merge = torch.empty_like(step_index).scatter_(0, order, step_index)
        mean = _tied_means(candidates, merges, merges.forest, step_of_merge, first.numel())
    # Tied scores are equal, but their rounded mean may differ: heights must keep their order.
    height = score[first] + (mean - mean.detach())
    step = step_index - ptr[graph] + 1
    return Dendrogram(pairs, graph, step, height, ptr.diff(), batch, threshold, temperature)


class _Merges(NamedTuple):
    """K pairs of a maximum spanning forest, their positions among all M and their scores.

    The forest is that of pairs in which these are all that it takes, by falling score; None if
    these are all candidates.
    """

    pairs: Tensor
    position: Tensor
    score: Tensor
    forest: SpanningForest | None


def _merges(candidates: Candidates, num_nodes: int) -> _Merges:
    """Find a maximum spanning forest, block by block.

    A pair that is not in the forest of the blocks so far closes a cycle of better pairs, so it is
    in no later forest. Only the forest is kept from block to block.
    """
    kept, first = None, 0
    for pairs, score in candidates.blocks():
        position = torch.arange(first, first + score.numel(), device=score.device)
        first += score.numel()
        is_all = score.numel() == candidates.num_pairs
        if is_all and (candidates.is_forest or _is_sorted_forest(pairs)):
            return _Merges(pairs, position, score, None)
        if kept is not None:
            pairs = torch.cat([kept.pairs, pairs], dim=1)
            position = torch.cat([kept.position, position])
            score = torch.cat([kept.score, score])
        forest = spanning_forest(score, pairs, num_nodes)
        taken = forest.order[forest.is_taken]
        kept = _Merges(pairs[:, taken], position[taken], score[taken], forest)
    assert kept is not None
    return kept


def _is_sorted_forest(pairs: Tensor) -> bool:
    """Whether there is one pair per smaller node, such as in the sorted pairs of a chain."""
    low, high = pairs
    return bool((low < high).all() & (low[1:] > low[:-1]).all())


def _tied_means(
    candidates: Candidates,
    merges: _Merges,
    forest: SpanningForest,
    step_of_merge: Tensor,
    num_steps: int,
) -> Tensor:
    """Mean score [S] of the candidate pairs of the score of each step whose ends meet there."""
    merge_of_rank = forest.is_taken.cumsum(0) - 1

    def meeting(pairs: Tensor) -> Tensor:
        return merge_of_rank[bottleneck(forest, pairs)]

    def is_tied(pairs: Tensor, score: Tensor) -> Tensor:
        if score.numel() == candidates.num_pairs:
            tied = _equals_another(score, forest)
        else:
            tied = torch.isin(score, merges.score)
        # NaN counts as tied, so that it reaches the result.
        tied |= score.isnan()
        index = tied.nonzero().view(-1)
        tied[index] = ~(score[index] < merges.score[meeting(pairs[:, index])])
        return tied

    def sum_by_step(pairs: Tensor, score: Tensor) -> Tensor:
        return _sum_and_count(score, step_of_merge[meeting(pairs)], num_steps)

    return _mean(candidates.sum_over(is_tied, sum_by_step))


def _equals_another(score: Tensor, forest: SpanningForest) -> Tensor:
    """Whether each pair [M] is in the forest or has the score of another pair."""
    by_rank = score[forest.order]
    same = by_rank[1:] == by_rank[:-1]
    tied = forest.is_taken.clone()
    tied[1:] |= same
    tied[:-1] |= same
    return torch.empty_like(tied).scatter_(0, forest.order, tied)


def _mean(sum_and_count: Tensor) -> Tensor:
    mean: Tensor = sum_and_count[:, 0] / sum_and_count[:, 1]
    return mean


def _sum_and_count(score: Tensor, step: Tensor, num_steps: int) -> Tensor:
    """Sum of the scores of each step and their number, [S, 2], in one scatter."""
    terms = torch.stack([score, torch.ones_like(score)], dim=1)
    summed: Tensor = scatter(terms, step, dim_size=num_steps)
    return summed
