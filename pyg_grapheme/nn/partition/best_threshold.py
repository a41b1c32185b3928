"""The threshold with the best score on labelled graphs, by a scan of all cuts."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor
from torch_geometric.utils import cumsum

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.scores import PartitionScore, check_scores, resolve_metric
from pyg_grapheme.metrics.partition.sums import PartitionSums
from pyg_grapheme.nn.partition.labelled_tree import check_tree
from pyg_grapheme.nn.partition.partition_sums import partition_sums, with_exact_zeros
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_flag

Item = TypeVar("Item")


class BestThreshold(NamedTuple):
    """A threshold, on the scale of the scores, and the score at it."""

    threshold: float
    score: float


@torch.no_grad()
def best_threshold(
    trees: Dendrogram | Sequence[Dendrogram],
    y: Tensor | Sequence[Tensor],
    metric: str | PartitionScore,
    *,
    pooled: bool = False,
    unlabelled: UnlabelledName = "ignore",
    min_size: int = 1,
) -> BestThreshold:
    """Return the threshold, shared by all graphs, that leads to the best score.

    All partitions of all graphs that a threshold can lead to are scored: it passes the heights of
    all steps from above, and each changes the cut of one graph. Thresholds per graph, and the noise
    of the trees, play no part. Use the result as ``tree.cut(best.threshold)``. It is on the scale
    of the scores: ``pool.raw_threshold.data.fill_(best.threshold)`` sets that of a pool with
    ``logits=True``.

    Args:
        trees: A tree, or several: one per batch of graphs.
        y: The labels [N] of each tree, as for ``partition_scores``.
        metric: As for ``partition_scores``.
        pooled: Score the sums over all graphs, instead of the mean score of the graphs.
        unlabelled: As for ``partition_scores``.
        min_size: As for ``partition_scores``.

    Returns:
        A threshold with the best score, of the highest range of thresholds that has it: the middle
        between two heights, the largest height, or a number just below the smallest; infinity if
        nothing merges in any graph.

    Raises:
        ValueError: if there is no graph, the numbers of trees and labels differ, or as for
            ``partition_scores``.

    Cost: O(N log N) over all trees.

    >>> from pyg_grapheme.nn import ThresholdMergePool
    >>> x = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> scores = torch.tensor([0.75, 0.25])
    >>> tree = ThresholdMergePool().dendrogram(
    ...     x, torch.tensor([[0, 1], [1, 2]]), edge_score=scores
    ... )
    >>> best_threshold(tree, torch.tensor([0, 0, 1]), "pair_f1")
    BestThreshold(threshold=0.5, score=1.0)
    """
    score_of = resolve_metric("metric", metric)
    expect_flag("pooled", pooled)
    listed = [check_tree(tree) for tree in _list(trees, Dendrogram)]
    labels = _list(y, Tensor)
    num_graphs = sum(tree.num_steps.numel() for tree in listed)
    if num_graphs == 0:
        raise ValueError("Expected 'trees' to have at least one graph (got none)")
    if len(labels) != len(listed):
        raise ValueError(
            f"Expected 'y' to be one tensor per tree, {len(listed)} (got {len(labels)})"
        )
    start, changes = [], []
    for tree, label in zip(listed, labels, strict=True):
        sums = partition_sums(tree, label, unlabelled=unlabelled, min_size=min_size)
        rows = torch.stack(sums) if pooled else check_scores("metric", score_of(sums), sums)[None]
        first = cumsum(tree.num_steps + 1)[:-1]
        is_step = torch.ones_like(tree.cut_graph, dtype=torch.bool).index_fill_(0, first, False)
        step = is_step.nonzero().view(-1)
        start.append(rows.index_select(1, first))
        changes.append(rows.index_select(1, step) - rows.index_select(1, step - 1))
    height, order = torch.cat([tree.step_height for tree in listed]).sort(descending=True)
    first = torch.cat(start, 1).sum(1, keepdim=True)
    totals = torch.cat([first, torch.cat(changes, 1).index_select(1, order)], 1).cumsum(1)
    # Equal heights are passed at once: from each height on, until the next lower one.
    is_last = height.new_ones(height.numel() + 1, dtype=torch.bool)
    is_last[1:-1] = height[1:] != height[:-1]
    height, totals = height[is_last[1:]], totals[:, is_last]
    if pooled:
        pooled_sums = with_exact_zeros(PartitionSums(*totals))
        score = check_scores("metric", score_of(pooled_sums), pooled_sums)
    else:
        score = totals[0] / num_graphs
    best = int(score.argmax())
    return BestThreshold(_threshold(height, best), float(score[best]))


def _list(given: Item | Sequence[Item], item_type: type[Item]) -> list[Item]:
    """Return a list; what is no list is one item, and a tree is a tuple itself."""
    if isinstance(given, list | tuple) and not isinstance(given, item_type):
        return list(given)
    return [cast(Item, given)]


def _threshold(height: Tensor, count: int) -> float:
    """A threshold with ``count`` of the falling, distinct heights strictly above it."""
    if height.numel() == 0:
        return torch.inf
    if count == 0:
        return float(height[0])
    last = height[count - 1]
    if count == height.numel():
        return float(torch.nextafter(last, last.new_tensor(-torch.inf)))
    middle = height[count] + (last - height[count]) / 2
    return float(middle if middle < last else height[count])
