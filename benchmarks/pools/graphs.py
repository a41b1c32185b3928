"""The graphs of the workloads, without features."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import to_undirected


class Graph(NamedTuple):
    """Nodes and edges.

    Attributes:
        edge_index: [2, E], sorted by row.
        batch: [N], sorted.
    """

    edge_index: Tensor
    batch: Tensor


def chain(num_nodes: int, shuffled: bool = False) -> Graph:
    """Join each node to the next, in both directions; ``shuffled`` permutes the node ids."""
    node = torch.randperm(num_nodes) if shuffled else torch.arange(num_nodes)
    return _one_graph(torch.stack([node[:-1], node[1:]]), num_nodes)


def words(count: int, length: int, both: bool) -> Graph:
    """Generate chains of one length, with edges in one direction or both."""
    node = torch.arange(count * length).view(count, length)
    edges = torch.stack([node[:, :-1].flatten(), node[:, 1:].flatten()])
    if both:
        edges = to_undirected(edges, num_nodes=node.numel())
    return Graph(edges, torch.arange(count).repeat_interleave(length))


def molecules(count: int, mean_size: int, rings: int = 3) -> Graph:
    """Generate random trees, each node joined to one of the three before it, and rings of six."""
    size = torch.randint(mean_size - 6, mean_size + 7, (count,))
    batch = torch.arange(count).repeat_interleave(size)
    start = size.cumsum(0) - size
    place = torch.arange(batch.numel()) - start[batch]
    child = (place > 0).nonzero().view(-1)
    step = (torch.rand(child.numel()) * place[child].clamp(max=3)).long() + 1
    tree = torch.stack([child - step, child])
    close = start[:, None] + 5 + (torch.rand(count, rings) * (size[:, None] - 5)).long()
    ring = torch.stack([close.flatten() - 5, close.flatten()])
    return Graph(to_undirected(torch.cat([tree, ring], 1), num_nodes=batch.numel()), batch)


def star(num_nodes: int) -> Graph:
    """Join the first node to all others, in both directions."""
    leaf = torch.arange(1, num_nodes)
    return _one_graph(torch.stack([torch.zeros_like(leaf), leaf]), num_nodes)


def grid(side: int) -> Graph:
    """Join the neighbours in the rows and columns of a square, in both directions."""
    node = torch.arange(side**2).view(side, side)
    pairs = [(node[:, :-1], node[:, 1:]), (node[:-1], node[1:])]
    edges = [torch.stack([low.flatten(), high.flatten()]) for low, high in pairs]
    return _one_graph(torch.cat(edges, 1), side**2)


def complete(num_nodes: int) -> Graph:
    """Join each node to all others, in both directions."""
    return _one_graph(torch.combinations(torch.arange(num_nodes)).T, num_nodes)


def random_graph(num_nodes: int, mean_degree: int) -> Graph:
    """Generate random pairs of nodes, each in both directions."""
    edges = torch.randint(num_nodes, (2, num_nodes * mean_degree // 2))
    return _one_graph(edges[:, edges[0] != edges[1]], num_nodes)


def _one_graph(edges: Tensor, num_nodes: int) -> Graph:
    both_ways = to_undirected(edges, num_nodes=num_nodes)
    return Graph(both_ways, torch.zeros(num_nodes, dtype=torch.long))
