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
    low, high = edge_index.long()
    if undirected:
        if not bool((low[1:] >= low[:-1]).all()):
            low, high = high, low
        ascending = (low < high).nonzero().view(-1)
        low, high = low.index_select(0, ascending), high.index_select(0, ascending)
    return distinct_edges(torch.minimum(low, high), torch.maximum(low, high), num_nodes)
