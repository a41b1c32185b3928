"""Greedy matching of all pairs of nodes, in bounded memory."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.filtration.noise import at_pairs
from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs
from pyg_grapheme.nn.pool.clustering.matching import tie_key


class Best(NamedTuple):
    """The best pair of every node so far, [N] each.

    Attributes:
        score: Its score; -infinity where there is none.
        key: What orders it among pairs of equal score.
        partner: The other node; the node itself where there is none.
    """

    score: Tensor
    key: Tensor
    partner: Tensor


def match_all_pairs(
    score: Callable[[Tensor], Tensor],
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    above: Tensor | None = None,
) -> ScoredPairs:
    """Match all pairs of nodes inside each graph, as ``keep_matching`` does, block by block.

    A round goes through all pairs of nodes that are free, notes the best of every node, and takes
    the pairs that are the best at both ends. A node with no pair above the threshold is done.

    Args:
        score: From pairs [2, m], smaller node first, to scores [m], differentiable. One that draws
            (dropout) does so anew in each round, and once more for the gradient: where that
            matters, take a ``block_size`` that holds all pairs.
        batch: [N], sorted.
        num_graphs: B.
        block_size: Most pairs scored at a time.
        above: Scalar or [N]; only pairs with a score above it are matched.

    Cost: O(N + block_size) memory; time of one scoring of all pairs of free nodes a round, rounds
        as for ``greedy_matching``.
    """
    free = torch.arange(batch.numel(), device=batch.device)
    matched, values = [free.new_empty(2, 0)], []
    while free.numel() > 0:
        best = _best_pairs(score, free, batch, num_graphs, block_size, above)
        place = torch.arange(free.numel(), device=free.device)
        mutual = (best.partner[best.partner] == place) & (place < best.partner)
        matched.append(free[torch.stack([place, best.partner])[:, mutual]])
        values.append(best.score[mutual])
        open_ = best.partner != place
        open_[best.partner[mutual]] = False
        free = free[open_ & ~mutual]
    pairs = torch.cat(matched, dim=1)
    order = pairs[0].argsort()
    pairs = pairs[:, order]
    live = score(pairs)
    value = torch.cat(values)[order] if values else live.detach()
    # Scored anew among other pairs, a pair may differ by a rounding from what was compared.
    return ScoredPairs(pairs, value + (live - live.detach()))


@torch.no_grad()
def _best_pairs(
    score: Callable[[Tensor], Tensor],
    free: Tensor,
    batch: Tensor,
    num_graphs: int,
    block_size: int,
    above: Tensor | None,
) -> Best:
    """Find the best pair of each free node among all of them; nodes by their place in ``free``."""
    best: Best | None = None
    for pairs in AllPairs(batch[free], num_graphs, block_size):
        value, key = score(free[pairs]), tie_key(free[pairs], batch, num_graphs)
        if above is None:
            value = torch.where(value.isnan(), torch.inf, value)  # where sorting puts it
        if best is None:
            best = _no_pairs(free, value)
        if above is not None:
            passes = value > at_pairs(above, free[pairs])
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
    """Compare with further pairs [2, m]: first by score, then by key."""
    node, other = torch.cat([pairs, pairs.flip(0)], dim=1)
    value, key = value.repeat(2), key.repeat(2)
    score = best.score.scatter_reduce(0, node, value, "amax")
    leads = value == score[node]
    node, other, key = node[leads], other[leads], key[leads]
    first = torch.where(score > best.score, _LAST, best.key).scatter_reduce(0, node, key, "amin")
    chosen = key == first[node]
    return Best(score, first, best.partner.index_put((node[chosen],), other[chosen]))


_LAST = torch.iinfo(torch.int64).max
