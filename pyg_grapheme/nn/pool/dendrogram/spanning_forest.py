"""Maximum spanning forests by Borůvka's rounds, and what their rounds know of any two nodes."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.components import jump


class Round(NamedTuple):
    """One round: every tree takes its best pair to another tree.

    Attributes:
        tree: [N], the tree, named by one of its nodes, that each node is in beforehand.
        best: [N], the rank of the pair that the tree of that name takes; M where it takes none.
    """

    tree: Tensor
    best: Tensor


def spanning_forest(score: Tensor, pairs: Tensor, num_nodes: int) -> Tensor:
    """Find the pairs [K] of a maximum spanning forest.

    Scores that tie are ordered by their place.

    Args:
        score: [M].
        pairs: [2, M].
        num_nodes: N.

    Cost: O((N + M) log N); O(M) where they are seen to be a forest.
    """
    low, high = pairs
    if bool((low < high).all() & (low[1:] > low[:-1]).all()):
        # No two lead on from one node, and none leads back: sorted pairs of a text, say.
        return torch.arange(score.numel(), device=score.device)
    order = score.argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(order.numel(), device=order.device)
    taken = torch.zeros_like(rank, dtype=torch.bool)
    for round_ in boruvka_rounds(rank, pairs, num_nodes):
        taken[order[round_.best[round_.best < rank.numel()]]] = True
    return taken.nonzero().view(-1)


def bottleneck(rank: Tensor, forest: Tensor, pairs: Tensor, num_nodes: int) -> Tensor:
    """Find the worst rank [M] on the path between the two nodes of each pair, through a forest.

    The trees of Borůvka's rounds are a tree themselves, at most log2(N) deep, in which a node and
    the one above are linked by the pair that the lower took; and the worst link between two leaves
    there is the worst between the two nodes in the forest (King 1997, "A simpler minimum spanning
    tree verification algorithm").

    Args:
        rank: [K], the order of the forest's pairs, best first, from 0.
        forest: [2, K], without a cycle.
        pairs: [2, M], both nodes in one tree.
        num_nodes: N.

    Cost: O((N + M) log N).
    """
    worst = rank.new_full(pairs.shape[1:], -1)
    for tree, best in boruvka_rounds(rank, forest, num_nodes):
        left, right = tree[pairs]
        apart = left != right
        taken = torch.maximum(best[left], best[right])
        worst = torch.where(apart, torch.maximum(worst, taken), worst)
    return worst


def boruvka_rounds(rank: Tensor, pairs: Tensor, num_nodes: int) -> Iterator[Round]:
    """Go through the rounds until no pair joins two trees.

    Ranks differ, so that the only cycles are pairs that two trees both take. Trees at least halve
    in number each round.

    Args:
        rank: [M], all different, best first, in [0, M).
        pairs: [2, M].
        num_nodes: N.
    """
    num_pairs = rank.numel()
    tree = torch.arange(num_nodes, device=pairs.device)
    left, right = pairs
    while True:
        left, right = tree[left], tree[right]
        apart = left != right
        left, right, rank = left[apart], right[apart], rank[apart]
        if rank.numel() == 0:
            return
        best = rank.new_full((num_nodes,), num_pairs)
        best = best.scatter_reduce(0, left, rank, "amin").scatter_reduce(0, right, rank, "amin")
        yield Round(tree, best)
        tree = jump(_hook(best, left, right, rank))[tree]


def _hook(best: Tensor, left: Tensor, right: Tensor, rank: Tensor) -> Tensor:
    """Point every tree to the tree at the other end of its best pair.

    Of two that point to each other, the smaller stays a root.
    """
    nodes = torch.arange(best.numel(), device=best.device)
    parent = nodes.clone()
    from_left, from_right = best[left] == rank, best[right] == rank
    parent[left[from_left]] = right[from_left]
    parent[right[from_right]] = left[from_right]
    mutual = (parent[parent] == nodes) & (nodes < parent)
    return torch.where(mutual, nodes, parent)
