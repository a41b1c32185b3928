"""Offsets of the graphs of a batch."""

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, degree


def batch_ptr(batch: Tensor, num_graphs: int) -> Tensor:
    """Return the offsets [B + 1] of the graphs of a batch: PyG's ``ptr``.

    Graph b has ``ptr[b + 1] - ptr[b]`` elements. If the batch is sorted, they are the elements from
    ``ptr[b]`` on.

    Args:
        batch: [N], the graph of each element.
        num_graphs: B.

    Cost: O(N + B).

    >>> batch_ptr(torch.tensor([0, 0, 2]), num_graphs=4)
    tensor([0, 2, 2, 3, 3])
    """
    ptr: Tensor = cumsum(degree(batch, num_graphs, dtype=torch.long))
    return ptr
