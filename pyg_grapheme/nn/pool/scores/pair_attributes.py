"""Edge attributes of candidate pairs."""

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import find_edges


def pair_attributes(
    edge_index: Tensor,
    edge_attr: Tensor,
    pairs: Tensor,
    num_nodes: int,
    reduce: str,
    directed: bool = False,
) -> Tensor:
    """Reduce the attributes of all edges between the two nodes of each pair, in either direction.

    Args:
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        pairs: [2, M], smaller node first, each once.
        num_nodes: N.
        reduce: "sum", "mean", "min", "max" or "mul".
        directed: Pairs are ordered: only edges from the first node to the second count.

    Returns:
        [M] or [M, D]; zero for a pair that no edge joins.

    Cost: O((E + M) log M).
    """
    pair = find_edges(edge_index if directed else unordered(edge_index), pairs, num_nodes)
    listed = pair >= 0
    pair = pair[listed]
    wide = edge_attr[listed].to(reduction_dtype(edge_attr.dtype, reduce))
    reduced: Tensor = scatter(wide, pair, 0, pairs.size(1), reduce)
    if edge_attr.is_floating_point():
        reduced = reduced.to(edge_attr.dtype)
    alone = torch.ones_like(pairs[0], dtype=torch.bool).index_fill(0, pair, False)
    return reduced.movedim(0, -1).masked_fill(alone, 0).movedim(-1, 0)


def unordered(edge_index: Tensor) -> Tensor:
    """Return the edges with the smaller node first, [2, E]."""
    return torch.stack([torch.minimum(*edge_index), torch.maximum(*edge_index)])


def reduction_dtype(dtype: torch.dtype, edge_reduce: str) -> torch.dtype:
    """Return the dtype to combine attributes in: half precision and small integers overflow."""
    if dtype.is_floating_point:
        return torch.promote_types(dtype, torch.float)
    if edge_reduce == "mean":
        return torch.get_default_dtype()
    return torch.long if edge_reduce in ("sum", "mul") else dtype
