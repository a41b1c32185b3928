"""Repeat graphs of a batch, side by side in a new batch."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum

from pyg_grapheme.graphs.batch_ptr import batch_ptr


class RepeatedGraphs(NamedTuple):
    """A batch whose graphs are copies of graphs of another batch.

    Attributes:
        node: [N'], the original of each node.
        edge: [E'], the original of each edge.
        edge_index: [2, E'], between the copies.
        batch: [N'], sorted.
    """

    node: Tensor
    edge: Tensor
    edge_index: Tensor
    batch: Tensor


def repeat_graphs(
    edge_index: Tensor, batch: Tensor, num_graphs: int, index: Tensor
) -> RepeatedGraphs:
    """Return the batch whose graph r is a copy of graph ``index[r]``.

    Args:
        edge_index: [2, E], edges or pairs, each inside one graph, in any order.
        batch: [N], sorted.
        num_graphs: B.
        index: [R], graphs to copy; repeats are allowed.

    Cost: O(E log E + N' + E').
    """
    ptr = batch_ptr(batch, num_graphs)
    node, owner, start = gather_segments(ptr, index)
    graph_of_edge = batch[edge_index[0]]
    by_graph = graph_of_edge.argsort(stable=True)
    edge, edge_owner, _ = gather_segments(batch_ptr(graph_of_edge, num_graphs), index)
    edge = by_graph[edge]
    shift = start - ptr[index]
    return RepeatedGraphs(node, edge, edge_index[:, edge] + shift[edge_owner], owner)


def gather_segments(ptr: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Concatenate chosen segments of a range.

    Args:
        ptr: [B + 1], offsets of the segments of the range 0, 1, ...
        index: [R], the segments wanted.

    Returns:
        The elements of the wanted segments, the position in ``index`` that each belongs to, and
        where each wanted segment starts in the result [R].

    >>> gather_segments(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 0]))[0]
    tensor([2, 0, 1, 0, 1])
    """
    length = ptr.diff()[index]
    owner, position = segment_positions(length)
    return ptr[index][owner] + position, owner, length.cumsum(0) - length


def segment_positions(length: Tensor) -> tuple[Tensor, Tensor]:
    """Return the segment and the position in it, from 0, of each element of segments in a row.

    Args:
        length: [B], length of each segment.

    >>> segment_positions(torch.tensor([2, 0, 3]))
    (tensor([0, 0, 2, 2, 2]), tensor([0, 1, 0, 1, 2]))
    """
    owner = torch.repeat_interleave(length)
    position: Tensor = torch.arange(owner.numel(), device=length.device) - cumsum(length)[owner]
    return owner, position
