"""Candidate pairs and how alike the nodes of each are."""

import torch
from torch import Tensor


def edge_pairs(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Find the pairs of nodes that an edge joins, in either direction or both.

    Args:
        edge_index: [2, E]; self-loops and repeats are allowed.
        num_nodes: N.

    Returns:
        [2, M], each pair once with its smaller node first, sorted: the order of the edges decides
        nothing.

    Cost: O(E log E).
    """
    low, high = edge_index.min(dim=0).values, edge_index.max(dim=0).values
    key = torch.unique((low * num_nodes + high)[low != high])
    return torch.stack([key // num_nodes, key % num_nodes])


def cosine_score(x: Tensor, pairs: Tensor) -> Tensor:
    """Cosine of the angle between the features of each pair; 0 where one of them is zero.

    Args:
        x: [N, F].
        pairs: [2, M].

    Returns:
        [M], in [-1, 1], float32 at least: half precision can't tell close scores apart.

    Differentiation: exact. The cosine has no derivative at a zero vector; there it is given that of
        the dot product with the other's direction.
    Cost: O(N F + M F).
    """
    x = x.to(torch.promote_types(x.dtype, torch.float))
    # The cosine does not depend on lengths; without them no square over- or underflows.
    size = x.detach().abs().amax(dim=-1, keepdim=True) if x.size(1) else x.new_zeros(x.size(0), 1)
    x = x / size.masked_fill(size == 0, 1.0)
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    unit = x / norm.masked_fill(norm == 0, 1.0)
    cosine: Tensor = (unit[pairs[0]] * unit[pairs[1]]).sum(dim=-1)
    return cosine
