"""Maximum spanning forests by Borůvka's rounds, and bottlenecks of their paths."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.components import jump


def spanning_forest(score: Tensor, pairs: Tensor, num_nodes: int) -> Tensor:
    """Return the positions [K] of the pairs of a maximum spanning forest.

    Tied scores are ordered by position.

    Args:
        score: [M].
        pairs: [2, M].
        num_nodes: N.

    Cost: O((N + M) log N); O(M) for sorted pairs in which every node leads to one larger node.
    """
    low, high = pairs
    if bool((low < high).all() & (low[1:] > low[:-1]).all()):
        # One pair per smaller node, such as the sorted pairs of a chain: a forest.
        return torch.arange(score.numel(), device=score.device)
    order = score.argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(order.numel(), device=order.device)
    taken = torch.zeros_like(rank, dtype=torch.bool)
    for _, best in boruvka_rounds(rank, pairs, num_nodes):
        taken[order[best[best < rank.numel()]]] = True
    return taken.nonzero().view(-1)


def bottleneck(rank: Tensor, forest: Tensor, pairs: Tensor, num_nodes: int) -> Tensor:
    """Return the worst rank [M] on the path between the two nodes of each pair in a forest.

    The trees of Borůvka's rounds form a tree of depth at most log2(N), whose links are the pairs
    that the trees took. The worst link between two of its leaves is the worst rank between the two
    nodes in the forest (King 1997, "A simpler minimum spanning tree verification algorithm").

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


def boruvka_rounds(rank: Tensor, pairs: Tensor, num_nodes: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate over the rounds until no pair joins two trees.

    Ranks differ, so the only cycles are pairs that two trees both take. The number of trees at
    least halves in each round.

    Args:
        rank: [M], all different, best first, in [0, M).
        pairs: [2, M].
        num_nodes: N.

    Yields:
        The tree [N] of each node before the round, as one of the tree's nodes; and the rank [N] of
        the pair that each tree takes, M if it takes none.
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
        yield tree, best
        tree = jump(_hook(best, left, right, rank))[tree]


def _hook(best: Tensor, left: Tensor, right: Tensor, rank: Tensor) -> Tensor:
    """Return the parent [N]: for every tree, the tree at the other end of its best pair.

    Of two trees that point to each other, the smaller becomes a root.
    """
    nodes = torch.arange(best.numel(), device=best.device)
    parent = nodes.clone()
    from_left, from_right = best[left] == rank, best[right] == rank
    parent[left[from_left]] = right[from_left]
    parent[right[from_right]] = left[from_right]
    mutual = (parent[parent] == nodes) & (nodes < parent)
    return torch.where(mutual, nodes, parent)
