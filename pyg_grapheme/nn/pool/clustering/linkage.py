"""Average and complete linkage over sparse candidate pairs."""

from typing import Literal

import torch
from torch import Tensor

from pyg_grapheme.filtration.score_order import score_order
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, has_no_cycle, pair_threshold
from pyg_grapheme.nn.pool.clustering.agglomerate import Agglomeration, MayJoin, agglomerate
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.clustering.matching import tie_order

SCALE = 2.0**34
"""Scores are rounded to multiples of 1 / SCALE, so that sums of them are exact."""

MAX_SCORE = 2.0**16
"""The largest score: below it, sums of a few are exact in float64."""


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
        ValueError: if a finite score is too large for exact sums. The height of a merge with an
            infinite score is not finite.

    Differentiation: a height's gradient is shared equally by all pairs whose nodes first meet in
        the merges of that height of the graph (for "complete", those that attain the minimum).
    Cost: O(M log M) for few neighbours per cluster, O(M log^2 M) at most.
    """
    if candidates.num_pairs == 0:
        return candidates
    score = candidates.score.detach()
    if bool(score.isnan().any()):
        candidates = candidates.keep((~score.isnan()).nonzero().view(-1))
        return keep_linkage(candidates, linkage, batch, num_graphs, min_score)
    check_magnitude(score, linkage)
    if has_no_cycle(candidates.pairs):
        return candidates.as_forest()
    candidates, in_tree = _split_components(candidates, batch.numel(), min_score)
    if bool(in_tree.all()):
        return candidates.as_forest()
    order = tie_order(candidates.score, candidates.pairs, batch, num_graphs)
    candidates, in_tree = candidates.keep(order), in_tree.index_select(0, order)
    return linkage_merges(candidates, in_tree, linkage, batch, min_score)


def check_magnitude(score: Tensor, linkage: str) -> None:
    """Refuse finite scores [M] that are too large for exact sums."""
    largest = float(score.abs().masked_fill(score.isinf(), 0).max())
    if largest > MAX_SCORE:
        raise ValueError(
            f"Expected scores in [-{MAX_SCORE:g}, {MAX_SCORE:g}] for {linkage} linkage "
            f"(got {largest:g})"
        )


def linkage_merges(
    candidates: ScoredPairs,
    in_tree: Tensor,
    linkage: Literal["average", "complete"],
    batch: Tensor,
    min_score: Tensor | None,
    root: Tensor | None = None,
    may_join: MayJoin | None = None,
) -> ScoredPairs:
    """Return the merges of linkage, as :func:`keep_linkage` does.

    Args:
        candidates: M pairs in :func:`~pyg_grapheme.nn.pool.clustering.matching.tie_order`.
        in_tree: [M], whether the component of each pair has no cycle.
        linkage: "average" or "complete".
        batch: [N], the graph of each node. Merges at one height of a graph are one step.
        min_score: Scalar or [N], the same for all nodes of a graph.
        root: [N], one node of the cluster that each node is in from the start.
        may_join: As for :func:`~pyg_grapheme.nn.pool.clustering.agglomerate.agglomerate`; needed if
            ``root`` is given.
    """
    measure = _mean_distance if linkage == "average" else _max_distance
    distance, limit = measure(candidates, in_tree, min_score)
    pairs, average = candidates.pairs, linkage == "average"
    if root is not None:
        pairs = root.index_select(0, pairs.reshape(-1)).view(2, -1)
    merges = agglomerate(pairs, distance, in_tree, average, limit, batch.numel(), may_join)
    return _with_heights(candidates, merges, average, batch)


def _split_components(
    candidates: ScoredPairs, num_nodes: int, min_score: Tensor | None
) -> tuple[ScoredPairs, Tensor]:
    """Find the components that the pairs above the threshold form, and those without a cycle.

    Clusters of average and complete linkage lie inside the clusters of single linkage. Without a
    cycle, all linkages are the same: each pair is a merge.

    Returns:
        The M pairs inside a component, and whether it has no cycle [M].
    """
    pairs = candidates.pairs
    if min_score is None:
        root = component_roots(pairs, num_nodes)
    else:
        above = candidates.score.detach() > pair_threshold(min_score, pairs)
        root = component_roots(pairs.index_select(1, above.nonzero().view(-1)), num_nodes)
        left, right = root.index_select(0, pairs.reshape(-1)).view(2, -1)
        candidates = candidates.keep((left == right).nonzero().view(-1))
    component = root.index_select(0, candidates.pairs[0])
    num_pairs = torch.bincount(component, minlength=num_nodes)
    has_cycle = num_pairs >= torch.bincount(root, minlength=num_nodes)
    return candidates, ~has_cycle.index_select(0, component)


def _mean_distance(
    candidates: ScoredPairs, in_tree: Tensor, min_score: Tensor | None
) -> tuple[Tensor, float]:
    """Return distances [M], whole numbers but in trees, and the limit of their means."""
    score = candidates.score.detach().double().clamp(-MAX_SCORE, MAX_SCORE)
    # Without a cycle, nothing is summed up.
    distance = -torch.where(in_tree, score * SCALE, (score * SCALE).round())
    if min_score is None:
        return distance, torch.inf
    threshold = torch.as_tensor(pair_threshold(min_score, candidates.pairs)).double()
    threshold = threshold.clamp(-2 * MAX_SCORE, 2 * MAX_SCORE)
    # The mean of rounded scores may lie below the threshold, that of the scores above it.
    return distance + (threshold * SCALE - 2).floor(), 0.0


def _max_distance(
    candidates: ScoredPairs, in_tree: Tensor, min_score: Tensor | None
) -> tuple[Tensor, float]:
    """Return distances [M] and the limit of their maxima."""
    score = candidates.score.detach()
    distance = -score.double()
    if min_score is not None:
        below = ~(score > pair_threshold(min_score, candidates.pairs))
        distance = distance.masked_fill(below, torch.inf)
    return distance, torch.finfo(distance.dtype).max


def _with_heights(
    candidates: ScoredPairs, merges: Agglomeration, average: bool, batch: Tensor
) -> ScoredPairs:
    """Return the merges with the mean or the minimum of their pairs as scores.

    Merges of one graph at equal distances are one step, whose height is the mean over all its
    pairs, or over all of its smallest ones.
    """
    kept = merges.merged.nonzero().view(-1)
    kept = kept[score_order(-merges.distance[kept])]
    kept = kept[batch[candidates.pairs[0, kept]].argsort(stable=True)]
    graph, distance = batch[candidates.pairs[0, kept]], merges.distance[kept]
    starts = torch.ones_like(graph, dtype=torch.bool)
    starts[1:] = (graph[1:] != graph[:-1]) | (distance[1:] != distance[:-1])
    step_of = starts.cumsum(0) - 1
    score = candidates.score.double()
    step = torch.full_like(merges.merge, -1).index_copy(0, kept, step_of)
    step = step.index_select(0, merges.merge)
    counts = step >= 0
    if not average:
        counts &= -score.detach() == merges.distance.index_select(0, merges.merge)
    index = counts.nonzero().view(-1)
    step = step.index_select(0, index)
    # Means of deviations: equal scores have exactly their own mean.
    base = score.detach()[kept[starts]] if average else -distance[starts]
    deviation = score.index_select(0, index) - base.index_select(0, step)
    total = torch.zeros_like(base).index_add(0, step, deviation)
    mean = base + total / torch.bincount(step, minlength=base.numel())
    height = _falling(mean.detach(), graph[starts]) + (mean - mean.detach())
    height = height.index_select(0, step_of)
    dtype = torch.promote_types(candidates.score.dtype, torch.float)
    return ScoredPairs(candidates.pairs.index_select(1, kept), height.to(dtype), is_forest=True)


def _falling(height: Tensor, graph: Tensor) -> Tensor:
    """Lower the heights [S] that rise along a graph [S], by a rounding, to the one before."""
    while True:
        rises = (height[1:] > height[:-1]) & (graph[1:] == graph[:-1])
        if not bool(rises.any()):
            return height
        height = torch.cat([height[:1], torch.where(rises, height[:-1], height[1:])])
