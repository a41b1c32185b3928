"""Single linkage: the dendrogram of candidate pairs."""

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.nn.pool.dendrogram.spanning_forest import bottleneck, spanning_forest


def single_linkage(
    candidates: Candidates, batch: Tensor, num_graphs: int, threshold: Tensor, temperature: float
) -> Dendrogram:
    """Build the dendrogram of all graphs of a batch at once.

    As the threshold falls, the clustering "every pair above the threshold, closed transitively"
    changes only at the scores of a maximum spanning forest: single linkage (Gower and Ross 1969,
    "Minimum spanning trees and single linkage cluster analysis"). The other linkages and the
    matching have brought their candidates down to such a forest before.

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
    forest, position, value = _forest(candidates, batch.numel())
    order = value.argsort(descending=True, stable=True)
    if num_graphs > 1:
        order = order[batch[forest[0, order]].argsort(stable=True)]
    pairs, value = forest[:, order], value[order]
    graph = batch[pairs[0]]
    is_new = torch.ones_like(graph)
    is_new[1:] = ((value[1:] != value[:-1]) | (graph[1:] != graph[:-1])).long()
    first = is_new.nonzero().view(-1)
    step_index = is_new.cumsum(0) - 1
    ptr = batch_ptr(graph[first], num_graphs)
    if order.numel() == candidates.num_pairs:
        # All candidates are in the forest: no other pair is tied.
        score = candidates.score_of(position, forest)[order]
        mean = score
        if first.numel() < order.numel():
            mean = _mean(_sum_and_count(score, step_index, first.numel()))
    else:
        mean = _tied_means(candidates, pairs, value, step_index, batch.numel())
    # Tied scores are equal, but their rounded mean may differ: heights must keep their order.
    height = value[first] + (mean - mean.detach())
    step = step_index - ptr[graph] + 1
    return Dendrogram(pairs, graph, step, height, ptr.diff(), batch, threshold, temperature)


def _tied_means(
    candidates: Candidates, pairs: Tensor, value: Tensor, step_index: Tensor, num_nodes: int
) -> Tensor:
    """Mean score [S] of the candidate pairs of the score of each step whose ends meet there."""
    num_steps = int(step_index[-1]) + 1 if step_index.numel() else 0
    rank = torch.arange(value.numel(), device=value.device)

    def meeting(some: Tensor) -> Tensor:
        return bottleneck(rank, pairs, some, num_nodes)

    def is_tied(some: Tensor, score: Tensor) -> Tensor:
        # NaN counts as tied, so that it reaches the result.
        tied = torch.isin(score, value) | score.isnan()
        index = tied.nonzero().view(-1)
        tied[index] = ~(score[index] < value[meeting(some[:, index])])
        return tied

    def sum_by_step(some: Tensor, score: Tensor) -> Tensor:
        return _sum_and_count(score, step_index[meeting(some)], num_steps)

    return _mean(candidates.sum_over(is_tied, sum_by_step))


def _mean(sum_and_count: Tensor) -> Tensor:
    mean: Tensor = sum_and_count[:, 0] / sum_and_count[:, 1]
    return mean


def _sum_and_count(score: Tensor, step: Tensor, num_steps: int) -> Tensor:
    """Sum of the scores of each step and their number, [S, 2], in one scatter."""
    terms = torch.stack([score, torch.ones_like(score)], dim=1)
    summed: Tensor = scatter(terms, step, dim_size=num_steps)
    return summed


def _forest(candidates: Candidates, num_nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs [2, K] of a maximum spanning forest, their positions [K] among all, and scores [K].

    A pair that is not in the forest of the blocks so far closes a cycle of better pairs, so it is
    in no later forest. Only the forest is kept from block to block.
    """
    kept: tuple[Tensor, ...] | None = None
    first = 0
    for pairs, score in candidates.blocks():
        position = torch.arange(first, first + score.numel(), device=score.device)
        first += score.numel()
        found: tuple[Tensor, ...] = (pairs, position, score)
        if kept is not None:
            found = tuple(torch.cat([a, b], dim=-1) for a, b in zip(kept, found, strict=True))
        forest = spanning_forest(found[2], found[0], num_nodes)
        kept = tuple(part[..., forest] for part in found)
    assert kept is not None
    return kept[0], kept[1], kept[2]
