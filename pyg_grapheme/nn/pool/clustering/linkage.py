"""Average and complete linkage over sparse candidate pairs."""

from typing import Literal

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, pair_threshold
from pyg_grapheme.nn.pool.clustering.agglomerate import Agglomeration, agglomerate
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.clustering.matching import tie_order

SCALE = 2.0**34
"""Scores are rounded to multiples of 1 / SCALE, so that sums of them are exact."""

MAX_SCORE = 2.0**27
"""The largest score whose multiple of 1 / SCALE float64 and int64 hold with some reserve."""


def keep_linkage(
    candidates: ScoredPairs,
    linkage: Literal["average", "complete"],
    batch: Tensor,
    num_graphs: int,
    min_score: Tensor | None = None,
) -> ScoredPairs:
    """Return the merges of average or complete linkage: a forest of pairs scored by their heights.

    The similarity of two clusters is the mean ("average") or the minimum ("complete") of the
    candidate pairs between them; clusters without such a pair never merge. The best pair of
    clusters merges first; of equally similar ones, the one that holds the best pair in the order of
    :func:`~pyg_grapheme.nn.pool.clustering.matching.tie_order`. The height of a merge is that
    similarity. Heights never rise on the way up (Lance and Williams 1967, "A general theory of
    classificatory sorting strategies"), so the single linkage of the merges is the tree.

    Args:
        candidates: M distinct pairs, smaller node first, with differentiable scores. Pairs whose
            score is NaN are left out.
        linkage: "average" or "complete".
        batch: [N], sorted.
        num_graphs: B.
        min_score: Scalar or [N], the same for all nodes of a graph; merges that are not above it
            may be left out.

    Returns:
        K merges: a candidate pair with one node in each of the two clusters, and the height.

    Raises:
        ValueError: if a score is too large for exact sums (average linkage).

    Differentiation: a height's gradient is shared equally by all pairs whose nodes first meet in
        the merges of that height of the graph (for "complete", those that attain the minimum).
    Cost: O(M log M) for few neighbours per cluster, O(M log^2 M) at most.
    """
    pairs, score = candidates.pairs, candidates.score
    if bool(score.isnan().any()):
        candidates = candidates.keep(~score.isnan())
        pairs, score = candidates.pairs, candidates.score
    if bool((pairs[0, 1:] > pairs[0, :-1]).all()):
        # One pair per smaller node, such as the sorted pairs of a chain: a forest.
        return candidates
    order = tie_order(score, pairs, batch, num_graphs)
    order = order[_may_meet(pairs, score.detach(), order, batch.numel(), min_score)]
    pairs, score = pairs[:, order], score[order]
    value = score.detach().double()
    threshold = None if min_score is None else pair_threshold(min_score, pairs)
    if linkage == "average":
        merges = _average(pairs, value, threshold, batch.numel())
    else:
        merges = _complete(pairs, value, threshold, batch.numel())
    if bool(merges.merged.all()):
        return ScoredPairs(pairs, score)
    return _with_heights(pairs, score, merges, linkage, batch)


def _may_meet(
    pairs: Tensor, score: Tensor, order: Tensor, num_nodes: int, min_score: Tensor | None
) -> Tensor:
    """Return the positions in ``order`` of the pairs inside the components above the threshold.

    Clusters of average and complete linkage lie inside those of single linkage.
    """
    if min_score is None:
        return torch.arange(order.numel(), device=order.device)
    above = score > pair_threshold(min_score, pairs)
    root = component_roots(pairs[:, above], num_nodes)
    return (root[pairs[0, order]] == root[pairs[1, order]]).nonzero().view(-1)


def _average(
    pairs: Tensor, score: Tensor, threshold: Tensor | float | None, num_nodes: int
) -> Agglomeration:
    largest = float(score.abs().max()) if score.numel() else 0.0
    if largest > MAX_SCORE:
        raise ValueError(
            f"Expected the scores of average linkage to be at most {MAX_SCORE:g} (got {largest:g})"
        )
    distance = -(score * SCALE).round()
    limit = torch.inf
    if threshold is not None:
        # Below the threshold by more than the rounding of heights in float32.
        threshold = torch.as_tensor(threshold).double().clamp(-2 * MAX_SCORE, 2 * MAX_SCORE)
        distance = distance + (threshold * SCALE - threshold.abs() * 2.0**12 - 2).floor()
        limit = 0.0
    return agglomerate(pairs, distance, True, limit, num_nodes)


def _complete(
    pairs: Tensor, score: Tensor, threshold: Tensor | float | None, num_nodes: int
) -> Agglomeration:
    distance = (-score).clamp(max=torch.finfo(score.dtype).max)
    if threshold is not None:
        distance = distance.masked_fill(~(score > threshold), torch.inf)
    return agglomerate(pairs, distance, False, torch.inf, num_nodes)


def _with_heights(
    pairs: Tensor, score: Tensor, merges: Agglomeration, linkage: str, batch: Tensor
) -> ScoredPairs:
    """Return the merges with the mean or the minimum of their pairs as scores."""
    kept = merges.merged.nonzero().view(-1)
    # Steps: merges of equal height in one graph. Sorted by graph, highest first.
    kept = kept[merges.distance[kept].argsort(stable=True)]
    kept = kept[batch[pairs[0, kept]].argsort(stable=True)]
    graph, distance = batch[pairs[0, kept]], merges.distance[kept]
    is_new = torch.ones_like(merges.merged[kept])
    is_new[1:] = (graph[1:] != graph[:-1]) | (distance[1:] != distance[:-1])
    step_of_kept = is_new.cumsum(0) - 1
    step = torch.full_like(merges.merge, -1)
    step[kept] = step_of_kept
    step = step[merges.merge]
    base = score.detach().double()[kept[is_new]]
    inside = step >= 0
    if linkage == "complete":
        inside &= -score.detach().double() == merges.distance[merges.merge]
        base = -distance[is_new]
    inside = inside.nonzero().view(-1)
    step = step[inside]
    # Means of deviations: equal scores have exactly their own mean.
    deviation = score[inside].double() - base[step]
    count = torch.bincount(step, minlength=base.numel())
    height = base + base.new_zeros(base.shape).index_add(0, step, deviation) / count
    value = _falling(height.detach(), graph[is_new])
    height = value + (height - height.detach())
    height = height.to(torch.promote_types(score.dtype, torch.float))
    return ScoredPairs(pairs[:, kept], height[step_of_kept])


def _falling(height: Tensor, graph: Tensor) -> Tensor:
    """Lower heights [S] that rise along a graph [S] by a rounding."""
    while True:
        rises = (height[1:] > height[:-1]) & (graph[1:] == graph[:-1])
        if not bool(rises.any()):
            return height
        height = height.clone()
        height[1:][rises] = height[:-1][rises]
