"""Single linkage: every clustering that some threshold gives, as one forest."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import degree

from pyg_grapheme.nn.pool.components import jump


class Dendrogram(NamedTuple):
    """The merges of every graph of a batch as the threshold falls.

    Joints are the edges of a maximum spanning forest of the candidate pairs, ordered by graph and
    then by falling score. Joints of equal score are one step: a graph with S steps has S + 1
    clusterings, from every node alone (0 steps) to whole components (S steps).

    Attributes:
        pairs: [2, K], two nodes of the two clusters that each joint joins.
        height: [K], its score, differentiable; a pair merges below it.
        graph: [K], the graph that it is in.
        joint: [K], the candidate pair that it is.
        step: [K], the step of its graph, from 1, in which it joins.
        num_steps: [B], S of each graph.
    """

    pairs: Tensor
    height: Tensor
    graph: Tensor
    joint: Tensor
    step: Tensor
    num_steps: Tensor


def single_linkage(score: Tensor, pairs: Tensor, batch: Tensor, num_graphs: int) -> Dendrogram:
    """Build the dendrogram of all graphs of a batch at once.

    As the threshold falls, the clustering "every pair above the threshold, closed transitively"
    changes only where it passes the weight of an edge of a maximum spanning forest: single
    linkage (Gower and Ross 1969, "Minimum spanning trees and single linkage cluster analysis").

    Args:
        score: [M].
        pairs: [2, M], each inside one graph.
        batch: [N].
        num_graphs: B.

    Differentiation: the heights are the scores; the structure is piecewise constant.
    Cost: O((N + M) log N).
    """
    value = score.detach()
    joint = spanning_forest(value, pairs, batch.numel())
    joint = joint[value[joint].argsort(descending=True, stable=True)]
    graph = batch[pairs[0, joint]]
    by_graph = graph.argsort(stable=True)
    joint, graph = joint[by_graph], graph[by_graph]
    height = value[joint]
    new_step = torch.ones_like(graph)
    new_step[1:] = ((height[1:] != height[:-1]) | (graph[1:] != graph[:-1])).long()
    num_steps = degree(graph[new_step.bool()], num_graphs, dtype=torch.long)
    before = num_steps.cumsum(0) - num_steps
    step = new_step.cumsum(0) - before[graph]
    return Dendrogram(pairs[:, joint], score[joint], graph, joint, step, num_steps)


def spanning_forest(score: Tensor, pairs: Tensor, num_nodes: int) -> Tensor:
    """Find the pairs [K] of a maximum spanning forest by Borůvka's rounds.

    In a round every tree takes its best pair to another tree; scores that tie are ordered by
    their place, so that the only cycles are pairs that two trees both chose. Trees at least halve
    in number each round.

    Cost: O((N + M) log N).
    """
    num_pairs = score.numel()
    order = score.argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(num_pairs, device=score.device)
    tree = torch.arange(num_nodes, device=score.device)
    taken = torch.zeros(num_pairs, dtype=torch.bool, device=score.device)
    left, right = pairs
    while True:
        left, right = tree[left], tree[right]
        apart = left != right
        left, right, rank = left[apart], right[apart], rank[apart]
        if rank.numel() == 0:
            return taken.nonzero().view(-1)
        best = rank.new_full((num_nodes,), num_pairs)
        best = best.scatter_reduce(0, left, rank, "amin").scatter_reduce(0, right, rank, "amin")
        taken[order[best[best < num_pairs]]] = True
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
