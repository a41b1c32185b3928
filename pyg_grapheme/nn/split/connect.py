"""Connect: the edges of the output nodes."""

from typing import Literal

import torch
from torch import Tensor

from pyg_grapheme.graphs import segment_positions
from pyg_grapheme.nn.split.select import SplitSelection

ConnectName = Literal["inherit", "chain"]


def connect_children(
    selection: SplitSelection,
    edge_index: Tensor,
    edge_attr: Tensor | None = None,
    connect: ConnectName = "inherit",
) -> tuple[Tensor, Tensor | None]:
    """Return the edges of the output nodes, and their attributes.

    Args:
        selection: N nodes, of which some split.
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        connect: "inherit": an edge (i, j) becomes an edge from each child of i to each child of j,
            with its attributes; a self-loop becomes one of each child. No edge joins siblings. The
            copies of an edge follow each other, in the order of the edges. "chain": an edge leads
            from the last child of i to the first of j; edges from first to second children, with
            attributes of zero, come after all others, in the order of the nodes. So a self-loop of
            a node that splits leads back from its second child to its first.

    Returns:
        Edges [2, E'] and their attributes. Merging the children again gives back the edges without
        self-loops, each with its copies. A directed acyclic graph stays one.

    Differentiation: exact in ``edge_attr``.
    Cost: O(E + E').
    """
    if connect == "chain":
        return _chain(selection, edge_index, edge_attr)
    row, column = edge_index
    is_split = selection.is_split.long()
    # A self-loop has as many copies as its node has children.
    of_column = is_split.index_select(0, column)
    shift = of_column * (row != column)
    edge, copy = segment_positions((1 + is_split.index_select(0, row)) << shift)
    ends = selection.first.index_select(0, edge_index.reshape(-1)).view(2, -1)
    ends = ends.index_select(1, edge)
    ends[0] += copy >> shift.index_select(0, edge)
    ends[1] += copy & of_column.index_select(0, edge)
    return ends, None if edge_attr is None else edge_attr.index_select(0, edge)


def _chain(
    selection: SplitSelection, edge_index: Tensor, edge_attr: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    row, column = edge_index
    first, last, split = selection.first, selection.last, selection.split
    edges = torch.stack([last.index_select(0, row), first.index_select(0, column)])
    links = torch.stack([first.index_select(0, split), last.index_select(0, split)])
    edges = torch.cat([edges, links], dim=1)
    if edge_attr is None:
        return edges, None
    zeros = edge_attr.new_zeros(split.numel(), *edge_attr.shape[1:])
    return edges, torch.cat([edge_attr, zeros])
