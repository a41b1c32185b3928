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
    edge_index = edge_index.long()
    if undirected:
        for low, high in (edge_index, edge_index.flip(0)):
            pairs = torch.stack([low, high])[:, low < high]
            key = pairs[0] * num_nodes + pairs[1]
            if bool((key[1:] > key[:-1]).all()):
                return pairs
    return distinct_edges(torch.minimum(*edge_index), torch.maximum(*edge_index), num_nodes)
