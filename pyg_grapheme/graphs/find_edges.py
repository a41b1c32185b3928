"""Positions of edges in a list of distinct edges."""

import torch
from torch import Tensor


def find_edges(edge_index: Tensor, among: Tensor, num_nodes: int) -> Tensor:
    """Return the position [E] of each edge in a list of edges, or -1.

    Args:
        edge_index: [2, E].
        among: [2, M], in any order; of repeats, the first is found.
        num_nodes: N.

    Cost: O((E + M) log M).

    >>> find_edges(torch.tensor([[1, 0], [0, 2]]), torch.tensor([[0, 1], [1, 0]]), num_nodes=3)
    tensor([ 1, -1])
    """
    key = edge_index[0] * num_nodes + edge_index[1]
    known, order = (among[0] * num_nodes + among[1]).sort(stable=True)
    if known.numel() == 0:
        return torch.full_like(key, -1)
    place = torch.searchsorted(known, key).clamp(max=known.numel() - 1)
    return torch.where(known[place] == key, order[place], -1)
