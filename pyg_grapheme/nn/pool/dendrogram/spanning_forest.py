"""Maximum spanning forests by Borůvka's rounds, and bottlenecks of their paths."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.components import jump


class Round(NamedTuple):
    """A round of Borůvka's algorithm: every tree takes its best pair.

    Attributes:
        tree: [N], the tree of each node before the round, as one of the tree's nodes.
        taken: [N], position of the pair that each tree takes; M if it takes none, and for other
            nodes.
    """

    tree: Tensor
    taken: Tensor


class SpanningForest(NamedTuple):
    """A maximum spanning forest of M pairs.

    Attributes:
        is_taken: [M], whether the forest has each pair.
        is_tied: [M], whether each pair has the score of the worst pair on the path in the forest
            between its two nodes; true for the forest's own pairs.
        rounds: The trees as they grew.
    """

    is_taken: Tensor
    is_tied: Tensor
    rounds: list[Round]


def spanning_forest(score: Tensor, pairs: Tensor, num_nodes: int) -> SpanningForest:
    """Build a maximum spanning forest.

    In every round each tree takes its best pair, and the trees that pairs join become one. Equal
    scores are ordered by position, so the only cycles are pairs that two trees both take. The
    number of trees at least halves. The trees of all rounds form a tree of depth at most log2(N),
    whose links are the pairs taken: the worst link between two nodes is the worst pair between them
    in the forest (King 1997, "A simpler minimum spanning tree verification algorithm").

    Args:
        score: [M]; NaN counts as infinity.
        pairs: [2, M].
        num_nodes: N.

    Cost: O((N + M) log N).
    """
    num_pairs = score.numel()
    is_taken = torch.zeros(num_pairs + 1, dtype=torch.bool, device=score.device)
    is_tied = torch.zeros_like(is_taken)
    rounds = []
    tree = nodes = torch.arange(num_nodes, device=pairs.device)
    position = positions = torch.arange(num_pairs, device=pairs.device)
    score = score.masked_fill(score.isnan(), torch.inf)
    worst = torch.full_like(score, torch.inf)
    while position.numel() > 0:
        size, ends = position.numel(), pairs.reshape(-1)
        best = score.new_full((num_nodes,), -torch.inf)
        link = best.scatter_reduce_(0, ends, score.repeat(2), "amax").index_select(0, ends)
        worst = torch.minimum(worst, link.view(2, -1).amin(0))
        place = torch.where(link.view(2, -1) == score, positions[:size], size).view(-1)
        first = torch.full_like(nodes, size).scatter_reduce_(0, ends, place, "amin")
        takes, first = first < size, first.clamp(max=size - 1)
        taken = torch.where(takes, position.index_select(0, first), num_pairs)
        is_taken.index_fill_(0, taken, True)
        rounds.append(Round(tree, taken))
        other = pairs.index_select(1, first).sum(0) - nodes
        parent = torch.where(takes, other, nodes)
        # Of two trees that take the same pair, the smaller becomes the root.
        is_root = (parent.index_select(0, parent) == nodes) & (nodes < parent)
        parent = jump(torch.where(is_root, nodes, parent))
        tree = parent.index_select(0, tree)
        pairs = parent.index_select(0, ends).view(2, -1)
        is_apart = pairs[0] != pairs[1]
        tied = torch.where((score >= worst) & ~is_apart, position, num_pairs)
        is_tied.index_fill_(0, tied, True)
        apart = is_apart.nonzero().view(-1)
        pairs = pairs.index_select(1, apart)
        position, score, worst = (p.index_select(0, apart) for p in (position, score, worst))
    return SpanningForest(is_taken[:-1], is_tied[:-1], rounds)


def bottleneck(forest: SpanningForest, rank: Tensor, pairs: Tensor) -> Tensor:
    """Return the worst rank [m] on the path in the forest between the two nodes of each pair.

    Args:
        forest: Of N nodes and M pairs.
        rank: [M], rank of each pair of the forest, the best first.
        pairs: [2, m], both nodes in one tree.

    Cost: O(M + (N + m) log N).
    """
    worst = torch.full_like(pairs[0], -1)
    padded = torch.cat([rank, rank.new_full((1,), -1)])
    for tree, taken in forest.rounds:
        link = padded.index_select(0, taken)
        left, right = (tree.index_select(0, end) for end in pairs)
        between = torch.maximum(link.index_select(0, left), link.index_select(0, right))
        worst = torch.where(left != right, torch.maximum(worst, between), worst)
    return worst
