"""Copies of the graphs of a batch, side by side in a new batch."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, degree


class Copies(NamedTuple):
    """A batch whose graphs are copies of another batch's.

    Attributes:
        node: [N'], the node that each node is a copy of.
        edge: [E'], the edge that each edge is a copy of.
        edge_index: [2, E'], between the copies.
        batch: [N'], sorted.
    """

    node: Tensor
    edge: Tensor
    edge_index: Tensor
    batch: Tensor


def copy_graphs(edge_index: Tensor, batch: Tensor, num_graphs: int, index: Tensor) -> Copies:
    """Copy graph ``index[r]`` of a batch to be graph r of a new one.

    Args:
        edge_index: [2, E], edges or pairs, each inside one graph, in any order.
        batch: [N], sorted.
        num_graphs: B.
        index: [R], graphs to copy, with repeats as wished.

    Cost: O(E log E + N' + E').
    """
    size = degree(batch, num_graphs, dtype=torch.long)
    node, owner, start = take_segments(size, index)
    graph_of_edge = batch[edge_index[0]]
    by_graph = graph_of_edge.argsort(stable=True)
    edge, edge_owner, _ = take_segments(degree(graph_of_edge, num_graphs, dtype=torch.long), index)
    edge = by_graph[edge]
    shift = start - cumsum(size)[index]
    return Copies(node, edge, edge_index[:, edge] + shift[edge_owner], owner)


def take_segments(size: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Lay chosen segments of a range one behind the other.

    Args:
        size: [B], lengths of the segments that the range 0, 1, ... is cut into.
        index: [R], the segments wanted.

    Returns:
        The elements [sum of size[index]], the position in ``index`` that each belongs to, and
        where each wanted segment starts in the result [R].

    >>> take_segments(torch.tensor([2, 1]), torch.tensor([1, 0, 0]))[0]
    tensor([2, 0, 1, 0, 1])
    """
    length = size[index]
    start = length.cumsum(0) - length
    owner = torch.repeat_interleave(length)
    position = torch.arange(owner.numel(), device=size.device) - start[owner]
    return cumsum(size)[index][owner] + position, owner, start
