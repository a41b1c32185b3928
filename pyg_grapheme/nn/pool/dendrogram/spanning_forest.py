"""Maximum spanning forests by Borůvka's rounds, and bottlenecks of their paths."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.components import jump


class Round(NamedTuple):
    """A round of Borůvka's algorithm: every tree takes its best pair.

    Attributes:
        tree: [N], the tree of each node before the round, as one of the tree's nodes.
        taken: [N], rank of the pair that each tree takes; -1 if it takes none, and for other nodes.
    """

    tree: Tensor
    taken: Tensor


class SpanningForest(NamedTuple):
    """A maximum spanning forest of M pairs, ranked by score, then by position.

    Attributes:
        order: [M], the pairs from best to worst.
        is_taken: [M], whether the forest has the pair of each rank.
        rounds: The trees as they grew.
    """

    order: Tensor
    is_taken: Tensor
    rounds: list[Round]


def spanning_forest(score: Tensor, pairs: Tensor, num_nodes: int) -> SpanningForest:
    """Build a maximum spanning forest.

    In every round each tree takes its best pair, and the trees that pairs join become one. Ranks
    differ, so the only cycles are pairs that two trees both take. The number of trees at least
    halves.

    Args:
        score: [M].
        pairs: [2, M].
        num_nodes: N.

    Cost: O((N + M) log N).
    """
    order = score.argsort(descending=True, stable=True)
    is_taken = torch.zeros_like(order, dtype=torch.bool)
    rounds = []
    tree = nodes = torch.arange(num_nodes, device=pairs.device)
    rank = torch.arange(order.numel(), device=pairs.device)
    left, right = pairs.index_select(1, order)
    while rank.numel() > 0:
        # The pairs stay in the order of their ranks, so the best is the first.
        position = torch.arange(rank.numel(), device=pairs.device)
        best = torch.full_like(nodes, rank.numel())
        best.scatter_reduce_(0, left, position, "amin").scatter_reduce_(0, right, position, "amin")
        takes = (best < rank.numel()).nonzero().view(-1)
        best = best.index_select(0, takes)
        taken = torch.full_like(nodes, -1).index_copy_(0, takes, rank.index_select(0, best))
        rounds.append(Round(tree, taken))
        is_taken[taken.index_select(0, takes)] = True
        other = left.index_select(0, best) + right.index_select(0, best) - takes
        parent = nodes.index_copy(0, takes, other)
        # Of two trees that take the same pair, the smaller becomes the root.
        is_root = (parent.index_select(0, parent) == nodes) & (nodes < parent)
        parent = jump(torch.where(is_root, nodes, parent))
        tree = parent.index_select(0, tree)
        left, right = parent.index_select(0, left), parent.index_select(0, right)
        apart = (left != right).nonzero().view(-1)
        left, right, rank = (part.index_select(0, apart) for part in (left, right, rank))
    return SpanningForest(order, is_taken, rounds)


def bottleneck(forest: SpanningForest, pairs: Tensor) -> Tensor:
    """Return the worst rank [m] on the path in the forest between the two nodes of each pair.

    The trees of the rounds form a tree of depth at most log2(N), whose links are the pairs that the
    trees took. The worst link between two of its leaves is the worst rank between the two nodes in
    the forest (King 1997, "A simpler minimum spanning tree verification algorithm").

    Args:
        forest: Of N nodes.
        pairs: [2, m], both nodes in one tree.

    Cost: O(m log N).
    """
    worst = torch.full_like(pairs[0], -1)
    for tree, taken in forest.rounds:
        left, right = (tree.index_select(0, end) for end in pairs)
        link = torch.maximum(taken.index_select(0, left), taken.index_select(0, right))
        worst = torch.where(left != right, torch.maximum(worst, link), worst)
    return worst
