"""Greedy matching of all pairs of nodes, in bounded memory."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, pair_threshold
from pyg_grapheme.nn.pool.clustering.matching import tie_key


class Best(NamedTuple):
    """The best pair of every node so far, [N] each.

    Attributes:
        score: Its score; -infinity if there is none.
        key: Its order among pairs of equal score.
        partner: The other node; the node itself if there is none.
    """

    score: Tensor
    key: Tensor
    partner: Tensor


def match_all_pairs(
    score: Callable[[Tensor], Tensor],
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    min_score: Tensor | None = None,
) -> ScoredPairs:
    """Match all pairs of nodes inside each graph, as ``keep_matching`` does, block by block.

    Each round finds the best pair of every free node, and takes the pairs that are the best of both
    their nodes. A node without a pair above the threshold is done.

    Args:
        score: From pairs [2, m], smaller node first, to scores [m]; differentiable, and the same
            each time.
        batch: [N], sorted.
        num_graphs: B.
        block_size: The largest number of pairs scored at a time.
        min_score: Scalar or [N]; only pairs that score above it are matched.

    Cost: O(N + block_size) memory. Each round scores all pairs of free nodes; the number of rounds
        is that of ``greedy_matching``.
    """
    free = torch.arange(batch.numel(), device=batch.device)
    matched, values = [free.new_empty(2, 0)], []
    while free.numel() > 0:
        best = _best_pairs(score, free, batch, num_graphs, block_size, min_score)
        place = torch.arange(free.numel(), device=free.device)
        mutual = (best.partner[best.partner] == place) & (place < best.partner)
        matched.append(free[torch.stack([place, best.partner])[:, mutual]])
        values.append(best.score[mutual])
        is_open = best.partner != place
        is_open[best.partner[mutual]] = False
        free = free[is_open & ~mutual]
    pairs = torch.cat(matched, dim=1)
    order = pairs[0].argsort()
    pairs = pairs[:, order]
    live = score(pairs)
    value = torch.cat(values)[order] if values else live.detach()
    # Rescored among other pairs, a score may differ by a rounding from the compared one.
    return ScoredPairs(pairs, value + (live - live.detach()))


@torch.no_grad()
def _best_pairs(
    score: Callable[[Tensor], Tensor],
    free: Tensor,
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    min_score: Tensor | None,
) -> Best:
    """Return the best pair of each free node; nodes are positions in ``free``."""
    best: Best | None = None
    for pairs in AllPairs(batch[free], num_graphs, block_size):
        value, key = score(free[pairs]), tie_key(free[pairs], batch, num_graphs)
        if min_score is None:
            value = torch.where(value.isnan(), torch.inf, value)  # as sorting does
        if best is None:
            best = _no_pairs(free, value)
        if min_score is not None:
            passes = value > pair_threshold(min_score, free[pairs])
            pairs, value, key = pairs[:, passes], value[passes], key[passes]
        best = _improve(best, pairs, value, key)
    assert best is not None
    return best


def _no_pairs(free: Tensor, value: Tensor) -> Best:
    lowest = value.new_full(free.shape, -torch.inf)
    return Best(
        lowest, torch.full_like(free, _LAST), torch.arange(free.numel(), device=free.device)
    )


def _improve(best: Best, pairs: Tensor, value: Tensor, key: Tensor) -> Best:
    """Update with further pairs [2, m], ordered by score, then by key."""
    node, other = torch.cat([pairs, pairs.flip(0)], dim=1)
    value, key = value.repeat(2), key.repeat(2)
    score = best.score.scatter_reduce(0, node, value, "amax")
    leads = value == score[node]
    node, other, key = node[leads], other[leads], key[leads]
    first = torch.where(score > best.score, _LAST, best.key).scatter_reduce(0, node, key, "amin")
    chosen = key == first[node]
    return Best(score, first, best.partner.index_put((node[chosen],), other[chosen]))


_LAST = torch.iinfo(torch.int64).max
