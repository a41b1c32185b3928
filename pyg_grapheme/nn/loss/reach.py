"""The number of nodes near each node of a graph."""

import torch
from torch import Tensor
from torch_geometric.utils import coalesce, degree, remove_self_loops

from pyg_grapheme.graphs import batch_ptr, gather_segments


def reach(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Count the nodes that two steps or fewer lead to from each node, itself included, [N].

    Args:
        edge_index: [2, E], directed.
        num_nodes: N.

    Cost: O(P log P) for P paths of two edges.

    >>> reach(torch.tensor([[0, 1, 2], [1, 2, 3]]), num_nodes=4)
    tensor([3, 3, 2, 1])
    """
    tail, head = coalesce(remove_self_loops(edge_index)[0], num_nodes=num_nodes)
    second, first, _ = gather_segments(batch_ptr(tail, num_nodes), head)
    pairs = torch.stack([torch.cat([tail, tail[first]]), torch.cat([head, head[second]])])
    near: Tensor = coalesce(remove_self_loops(pairs)[0], num_nodes=num_nodes)
    count: Tensor = degree(near[0], num_nodes, dtype=torch.long)
    return count + 1
