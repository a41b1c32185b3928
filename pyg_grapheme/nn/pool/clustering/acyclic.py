"""Keep a directed acyclic graph acyclic: merge what would lie on a cycle of the quotient."""

import torch
from torch import Tensor
from torch_geometric.utils import degree


def acyclic_roots(root: Tensor, edge_index: Tensor) -> Tensor:
    """Coarsen a clustering until its quotient graph has no cycle, and no further.

    That is the condensation: each strongly connected component of the quotient becomes one cluster.
    In a topological order of the nodes every cluster has a span, from its first member to its
    last, and clusters on one cycle have spans that overlap, one with the next. Edges between groups
    of spans that do not overlap are left out at once; where node ids are a topological order
    already, as in a text, and clusters are stretches of it, that is all there is to do.

    Args:
        root: [N], the smallest node of each node's cluster.
        edge_index: [2, E], without a cycle but for self-loops.

    Returns:
        [N], roots as ``root``.

    Raises:
        ValueError: if ``edge_index`` has a cycle.

    Cost: O(N log N + E) where ids are a topological order, O(E) a level of the graph more where
        not; then O(edges inside overlapping groups) a round, as many rounds as the longest path
        there has edges at worst.
    """
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    group = _overlap_groups(root, topological_rank(edge_index, root.numel()))
    tail, head = root[edge_index[0]], root[edge_index[1]]
    suspect = (tail != head) & (group[tail] == group[head])
    if not bool(suspect.any()):
        return root
    knot = strong_components(torch.stack([tail[suspect], head[suspect]]), root.numel())
    return knot[root]


def topological_rank(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Place [N] of each node in a topological order of a graph without self-loops.

    Nodes are ranked by level, the length of the longest path that ends in them, unless their ids
    are such an order already.

    Raises:
        ValueError: if there is a cycle.
    """
    rank = torch.arange(num_nodes, device=edge_index.device)
    if bool((edge_index[0] < edge_index[1]).all()):
        return rank
    tail, head = edge_index
    level = torch.zeros_like(rank)
    waiting = torch.ones(num_nodes, dtype=torch.bool, device=edge_index.device)
    depth = 0
    while tail.numel() > 0:
        ready = waiting & (degree(head, num_nodes) == 0)
        if not bool(ready.any()):
            node = int(waiting.nonzero()[0])
            raise ValueError(
                f"Expected 'edge_index' to have no cycle, for acyclic=True (got one at or before "
                f"node {node})"
            )
        waiting &= ~ready
        depth += 1
        level[waiting] = depth
        behind = waiting[tail]
        tail, head = tail[behind], head[behind]
    rank[level.argsort(stable=True)] = rank.clone()
    return rank


def _overlap_groups(root: Tensor, rank: Tensor) -> Tensor:
    """Group [N] of each root's cluster; clusters whose spans overlap in a row share one."""
    first = torch.full_like(rank, rank.numel()).scatter_reduce(0, root, rank, "amin")
    last = torch.full_like(rank, -1).scatter_reduce(0, root, rank, "amax")
    order = first.argsort()
    reach = last[order].cummax(0).values
    starts = torch.ones_like(order)
    starts[1:] = (first[order][1:] > reach[:-1]).long()
    group = torch.empty_like(order)
    group[order] = starts.cumsum(0)
    return group


def strong_components(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Label every node with the smallest node of its strongly connected component.

    Nodes that nothing enters or nothing leaves are components of their own; they are trimmed away,
    round by round. In what is left, every node takes the smallest node that reaches it as its
    colour, and those of a colour that reach that node back are its component.

    Args:
        edge_index: [2, E], directed.
        num_nodes: N.

    Returns:
        [N].

    Cost: O(E) a round; rounds as long as paths at worst.
    """
    nodes = torch.arange(num_nodes, device=edge_index.device)
    label = nodes.clone()
    tail, head = edge_index
    while tail.numel() > 0:
        inner = (degree(head, num_nodes)[tail] > 0) & (degree(tail, num_nodes)[head] > 0)
        if not bool(inner.all()):
            tail, head = tail[inner], head[inner]
            continue
        colour = _spread_smallest(nodes, tail, head)
        same = colour[tail] == colour[head]
        reaches = nodes == colour
        reaches = ~_spread_smallest((~reaches).long(), head[same], tail[same]).bool()
        label = torch.where(reaches & (colour < nodes), colour, label)
        rest = ~(reaches[tail] | reaches[head])
        tail, head = tail[rest], head[rest]
    return label


def _spread_smallest(value: Tensor, tail: Tensor, head: Tensor) -> Tensor:
    """Smallest value of all nodes from which each node can be reached, its own included."""
    while True:
        spread = value.scatter_reduce(0, head, value[tail], "amin")
        if torch.equal(spread, value):
            return value
        value = spread
