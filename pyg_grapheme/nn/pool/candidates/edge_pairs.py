"""The pairs of nodes that an edge joins."""

import torch
from torch import Tensor

from pyg_grapheme.graphs import distinct_edges


def edge_pairs(edge_index: Tensor, num_nodes: int, undirected: bool = False) -> Tensor:
    """Return the pairs of nodes that an edge joins, in either direction or both.

    Args:
        edge_index: [2, E]; self-loops and repeats are allowed.
        num_nodes: N.
        undirected: Whether every edge is known to exist in both directions, as PyG's ``EdgeIndex``
            can tell. If such edges are sorted by row or by column, they need no sorting.

    Returns:
        [2, M], each pair once with its smaller node first, sorted. The order of the edges does not
        matter.

    Cost: O(E log E), O(E) for undirected edges that are sorted.
    """
    row, column = edge_index.long()
    if undirected:
        if not bool((row[1:] >= row[:-1]).all()):
            row, column = column, row
        ascending = (row < column).nonzero().view(-1)
        row, column = row.index_select(0, ascending), column.index_select(0, ascending)
    pairs = torch.stack([torch.minimum(row, column), torch.maximum(row, column)])
    return distinct_edges(pairs, num_nodes)
