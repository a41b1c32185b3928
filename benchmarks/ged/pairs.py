"""All pairs of a query and a graph, a block at a time."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.utils import degree

from pyg_grapheme.nn.loss import GraphFeatures

BLOCK = 1024
"""Pairs compared at a time."""


def all_pairs(
    compare: Callable[[Tensor, Tensor], Tensor], queries: Tensor, graphs: Tensor
) -> Tensor:
    """Compare every query with every graph, without gradients.

    Args:
        compare: Function from the indices of both graphs of some pairs, [P] each, to [P, ...].
        queries: [Q], indices of graphs.
        graphs: [G], likewise.

    Returns:
        [Q, G, ...].
    """
    pairs = torch.cartesian_prod(queries, graphs)
    with torch.no_grad():
        found = torch.cat([compare(*block.unbind(1)) for block in pairs.split(BLOCK)])
    return found.view(len(queries), len(graphs), *found.shape[1:])


def mean_size(graphs: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
    """Return the mean number of nodes of each pair of graphs, [P]."""
    size: Tensor = degree(graphs.batch, graphs.num_graphs)
    return (size[first] + size[second]) / 2
