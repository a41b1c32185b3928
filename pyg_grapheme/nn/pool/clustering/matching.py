"""Greedy matching: the best pair first, every node in at most one."""

import torch
from torch import Tensor
from torch.nn import functional as F

from pyg_grapheme.filtration.score_order import score_order
from pyg_grapheme.graphs import batch_ptr, int_tensor
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, pair_threshold


def keep_matching(
    candidates: ScoredPairs, batch: Tensor, num_graphs: int, min_score: Tensor | None = None
) -> ScoredPairs:
    """Keep the pairs of the greedy matching of each graph that score above ``min_score``.

    The greedy loop takes the best pairs first, so the pairs that it takes above a threshold do not
    depend on those below: the matchings are nested, and the whole matching is a forest to cut.
    """
    score = candidates.score.detach()
    if min_score is None:
        mergeable = ~score.isnan()  # NaN merges with nothing.
    else:
        mergeable = score > pair_threshold(min_score, candidates.pairs)
    candidates = candidates.keep(mergeable.nonzero().view(-1))
    order = tie_order(candidates.score, candidates.pairs, batch, num_graphs)
    taken = greedy_matching(candidates.pairs, order, batch.numel())
    return candidates.keep(taken).as_forest()


def greedy_matching(pairs: Tensor, order: Tensor, num_nodes: int) -> Tensor:
    """Take pairs in order, best first, each unless one of its nodes is taken already.

    The sequential loop takes every pair that precedes all others at both its nodes, so a round
    takes all such pairs at once and drops the pairs that touch them (Preis 1999, "Linear time
    1/2-approximation algorithm for maximum weighted matching": locally heaviest edges). A round on
    random scores settles 60 to 95 % of the pairs, and takes a third of the time of the loop; on
    scores that fall along a path it settles two. So rounds go on while they settle half of the
    pairs, and the loop takes the rest.

    Args:
        pairs: [2, M].
        order: [M], the pairs from best to worst.
        num_nodes: N.

    Returns:
        [K], the positions of the pairs taken, ascending.

    Cost: O(N log M + M).
    """
    # index_select takes a third of the time that indexing does.
    left, right = pairs.index_select(1, order)
    rank = torch.arange(order.numel(), device=order.device)
    best = rank.new_empty(num_nodes)
    free = torch.ones(num_nodes, dtype=torch.bool, device=pairs.device)
    taken = []
    num_open, settled = rank.numel(), rank.numel()
    while num_open > _FEW and settled >= num_open:
        best.fill_(order.numel())
        best.scatter_reduce_(0, left, rank, "amin").scatter_reduce_(0, right, rank, "amin")
        is_best = (best.index_select(0, left) == rank) & (best.index_select(0, right) == rank)
        chosen = is_best.nonzero().view(-1)
        taken.append(rank.index_select(0, chosen))
        for end in (left, right):
            free.index_fill_(0, end.index_select(0, chosen), False)
        is_open = free.index_select(0, left) & free.index_select(0, right)
        rest = is_open.nonzero().view(-1)
        left, right, rank = (part.index_select(0, rest) for part in (left, right, rank))
        num_open, settled = rank.numel(), num_open - rank.numel()
    taken.append(rank.index_select(0, _take_in_turn(left, right, num_nodes)))
    return order.index_select(0, torch.cat(taken)).sort().values


_FEW = 1000
"""The loop is faster for fewer pairs."""


def _take_in_turn(left: Tensor, right: Tensor, num_nodes: int) -> Tensor:
    """Return the positions of the pairs that the sequential loop takes."""
    is_matched = bytearray(num_nodes)
    taken = []
    for position, (i, j) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if not (is_matched[i] or is_matched[j]):
            is_matched[i] = is_matched[j] = True
            taken.append(position)
    return int_tensor(taken, left.device)


def tie_order(score: Tensor, pairs: Tensor, batch: Tensor, num_graphs: int) -> Tensor:
    """Sort pairs [2, M] from best to worst score [M], equal scores by :func:`tie_key`.

    NaN comes first.

    Returns:
        [M], a permutation.

    Cost: O(M log M).
    """
    order = score_order(score)
    ordered = score.detach().index_select(0, order).nan_to_num(torch.inf)
    is_tied = ordered[1:] == ordered[:-1]
    tied = (F.pad(is_tied, (0, 1)) | F.pad(is_tied, (1, 0))).nonzero().view(-1)
    if tied.numel() == 0:
        return order
    run = F.pad(~is_tied, (1, 0)).cumsum(0).index_select(0, tied)
    tied_pairs = order.index_select(0, tied)
    by_hash = tie_key(pairs.index_select(1, tied_pairs), batch, num_graphs).argsort(stable=True)
    by_run = by_hash.index_select(0, run.index_select(0, by_hash).argsort(stable=True))
    return order.index_copy(0, tied, tied_pairs.index_select(0, by_run))


def tie_key(pairs: Tensor, batch: Tensor, num_graphs: int) -> Tensor:
    """Hash pairs: of two pairs with equal scores, the one with the smaller key comes first.

    The hash mixes the positions that the two nodes have in their own graph, so a graph is merged
    alike alone and in any batch. The order is pseudo-random but fixed, so that equal scores take
    few rounds of :func:`greedy_matching`.

    Args:
        pairs: [2, M], smaller node first.
        batch: [N], sorted.
        num_graphs: B.

    Returns:
        [M].
    """
    first = batch_ptr(batch, num_graphs)[batch[pairs[0]]]
    return _mix(_mix(pairs[0] - first) + pairs[1] - first)


def _mix(key: Tensor) -> Tensor:
    """Permute integers pseudo-randomly: the finaliser of SplitMix64 (Steele et al. 2014)."""
    key = key + -7046029254386353131
    key = (key ^ ((key >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    key = (key ^ ((key >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return key ^ ((key >> 31) & 0x1FFFFFFFF)
