"""Greedy matching: the best pair first, every node in at most one."""

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, degree

from pyg_grapheme.filtration.noise import at_pairs
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs


def keep_matching(
    candidates: ScoredPairs, batch: Tensor, num_graphs: int, above: Tensor | None = None
) -> ScoredPairs:
    """Keep the pairs of the greedy matching of each graph, those with a score above ``above``.

    The loop looks at the best pairs first, so those that it takes above any threshold are the same
    whatever stands below: the matchings are nested, and what is kept without a threshold is a
    forest to cut.
    """
    if above is not None:
        candidates = candidates.keep(candidates.score.detach() > at_pairs(above, candidates.pairs))
    order = tie_order(candidates.score, candidates.pairs, batch, num_graphs)
    return candidates.keep(greedy_matching(candidates.pairs, order, batch.numel()))


def greedy_matching(pairs: Tensor, order: Tensor, num_nodes: int) -> Tensor:
    """Take pairs in order, best first, each unless one of its nodes is taken already.

    A pair that comes before all others at both its nodes is taken by the sequential loop in any
    case, so all such pairs are taken at once; what touches them is dropped, and so on. The result
    is exactly that of the loop (Preis 1999, "Linear time 1/2-approximation algorithm for maximum
    weighted matching": locally heaviest edges).

    Args:
        pairs: [2, M].
        order: [M], the pairs from best to worst.
        num_nodes: N.

    Returns:
        [M], True where a pair is taken.

    Cost: O(M) a round. Random scores take O(log M) rounds; scores that fall along a path take one
        round for every second pair of it.
    """
    taken = torch.zeros(pairs.size(1), dtype=torch.bool, device=pairs.device)
    left, right = pairs.index_select(1, order)
    rank = torch.arange(order.numel(), device=order.device)
    best = rank.new_empty(num_nodes)
    free = torch.ones(num_nodes, dtype=torch.bool, device=pairs.device)
    while rank.numel() > 0:
        best.fill_(order.numel())
        best.scatter_reduce_(0, left, rank, "amin").scatter_reduce_(0, right, rank, "amin")
        chosen = (best[left] == rank) & (best[right] == rank)
        taken[order[rank[chosen]]] = True
        free[left[chosen]] = False
        free[right[chosen]] = False
        open_ = free[left] & free[right]
        left, right, rank = left[open_], right[open_], rank[open_]
    return taken


def tie_order(score: Tensor, pairs: Tensor, batch: Tensor, num_graphs: int) -> Tensor:
    """Order pairs [2, M] from best to worst score [M], equal scores by :func:`tie_key`.

    Returns:
        [M], a permutation.

    Cost: O(M log M).
    """
    by_hash = tie_key(pairs, batch, num_graphs).argsort(stable=True)
    by_score = score.detach()[by_hash].argsort(descending=True, stable=True)
    return by_hash[by_score]


def tie_key(pairs: Tensor, batch: Tensor, num_graphs: int) -> Tensor:
    """Hash pairs: of two with equal scores, that with the smaller number comes first.

    The hash mixes the places that the two nodes have in their own graph, so a graph is merged alike
    alone and in any batch; among pairs of equal score it picks at random but always alike. On a
    chain of equal scores it makes the rounds of :func:`greedy_matching` few.

    Args:
        pairs: [2, M], smaller node first.
        batch: [N], sorted.
        num_graphs: B.

    Returns:
        [M].
    """
    start = cumsum(degree(batch, num_graphs, dtype=torch.long))
    first = start[batch[pairs[0]]]
    return _mix(_mix(pairs[0] - first) + pairs[1] - first)


def _mix(key: Tensor) -> Tensor:
    """Scramble integers one to one: the finaliser of SplitMix64 (Steele et al. 2014)."""
    key = key + -7046029254386353131
    key = (key ^ ((key >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    key = (key ^ ((key >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return key ^ ((key >> 31) & 0x1FFFFFFFF)
