"""Greedy matching of all pairs of nodes, in bounded memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, pair_threshold
from pyg_grapheme.nn.pool.clustering.matching import keep_matching, tie_order


def match_all_pairs(
    score: Callable[[Tensor], Tensor],
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    min_score: Tensor | None = None,
) -> ScoredPairs:
    """Match all pairs of nodes inside each graph, as ``keep_matching`` does, block by block.

    Each pass over the pairs of free nodes holds the best, and takes the greedy matching of these.
    No other pair comes before them, so the greedy loop takes the same, and none of the pairs held
    is left for the next pass.

    Args:
        score: From pairs [2, m], smaller node first, to scores [m]; differentiable, and the same
            each time.
        batch: [N], sorted.
        num_graphs: B.
        block_size: The largest number of pairs scored at a time.
        min_score: Scalar or [N]; only pairs that score above it are matched.

    Cost: O(N + block_size) memory. Each pass scores all pairs of free nodes: P / block_size passes
        at most for P pairs, and two as a rule.
    """
    free = torch.arange(batch.numel(), device=batch.device)
    best = _best_pairs(score, free, batch, num_graphs, block_size, min_score)
    matched, values = [best.pairs[:, :0]], [best.score[:0]]
    while best.num_pairs > 0:
        taken = keep_matching(best, batch, num_graphs)
        matched.append(taken.pairs)
        values.append(taken.score)
        free = free[~torch.isin(free, taken.pairs)]
        best = _best_pairs(score, free, batch, num_graphs, block_size, min_score)
    pairs = torch.cat(matched, dim=1)
    order = pairs[0].argsort()
    pairs = pairs[:, order]
    live = score(pairs)
    # Rescored among other pairs, a score may differ by a rounding from the compared one.
    value = torch.cat(values)[order] + (live - live.detach())
    return ScoredPairs(pairs, value, is_forest=True)


@torch.no_grad()
def _best_pairs(
    score: Callable[[Tensor], Tensor],
    free: Tensor,
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    min_score: Tensor | None,
) -> ScoredPairs:
    """Return the ``block_size`` best pairs of free nodes, or all if there are fewer."""

    def trim(pairs: ScoredPairs) -> ScoredPairs:
        order = tie_order(pairs.score, pairs.pairs, batch, num_graphs)
        return pairs.keep(order[:block_size])

    held: ScoredPairs | None = None
    least: Tensor | float = -torch.inf
    for block in AllPairs(batch[free], num_graphs, block_size):
        pairs = free[block]
        found = ScoredPairs(pairs, score(pairs))
        passes = found.score >= least  # NaN merges with nothing.
        if min_score is not None:
            passes &= found.score > pair_threshold(min_score, pairs)
        found = found.keep(passes.nonzero().view(-1))
        if held is not None:
            found = ScoredPairs(
                torch.cat([held.pairs, found.pairs], dim=1), torch.cat([held.score, found.score])
            )
        if found.num_pairs > 2 * block_size:
            found = trim(found)
            least = found.score[-1]
        held = found
    assert held is not None
    return trim(held)
