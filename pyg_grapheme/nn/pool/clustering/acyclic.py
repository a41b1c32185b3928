"""Keep a directed acyclic graph acyclic: merge clusters that lie on a cycle of the quotient."""

import torch
from torch import Tensor
from torch_geometric.utils import degree


def acyclic_roots(root: Tensor, edge_index: Tensor) -> Tensor:
    """Coarsen a clustering until its quotient graph has no cycle, and no further.

    The result is the condensation: each strongly connected component of the quotient becomes one
    cluster. In a topological order of the nodes every cluster spans an interval, and neighbouring
    clusters on a cycle have intervals that overlap. Edges between groups of overlapping intervals
    are dropped at once. If node ids are a topological order, as in a text, and clusters are
    intervals of it, nothing is left to do.

    Args:
        root: [N], the smallest node of each node's cluster.
        edge_index: [2, E], without a cycle except self-loops.

    Returns:
        [N], roots as ``root``.

    Raises:
        ValueError: if ``edge_index`` has a cycle.

    Cost: O(N log N + E) if ids are a topological order, else O(E) more per level of the graph; then
        O(edges inside overlapping groups) per round, with at most as many rounds as the longest
        path there has edges.
    """
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    group = _overlap_groups(root, topological_rank(edge_index, root.numel()))
    tail, head = root[edge_index[0]], root[edge_index[1]]
    in_group = (tail != head) & (group[tail] == group[head])
    if not bool(in_group.any()):
        return root
    component = strong_components(torch.stack([tail[in_group], head[in_group]]), root.numel())
    return component[root]


def topological_rank(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Return the position [N] of each node in a topological order of a graph without self-loops.

    If the ids are not such an order, nodes are ranked by level: the length of the longest path that
    ends in them.

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
    """Group [N] of each root's cluster; clusters with overlapping intervals share a group."""
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

    Nodes without incoming or without outgoing edges are components of their own and are removed,
    round by round. Every remaining node takes the smallest node that reaches it as its colour; the
    nodes of a colour that reach that node form its component.

    Args:
        edge_index: [2, E], directed.
        num_nodes: N.

    Returns:
        [N].

    Cost: O(E) per round; at most as many rounds as the longest path has edges.
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
    """Smallest value of all nodes that reach each node, itself included."""
    while True:
        spread = value.scatter_reduce(0, head, value[tail], "amin")
        if torch.equal(spread, value):
            return value
        value = spread
