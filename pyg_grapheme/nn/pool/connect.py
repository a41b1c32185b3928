"""Connect: the edges of the quotient graph."""

import torch
from torch import Tensor
from torch_geometric.utils import coalesce


def connect_clusters(
    cluster: Tensor,
    num_clusters: int,
    edge_index: Tensor,
    edge_attr: Tensor | None = None,
    edge_reduce: str = "sum",
) -> tuple[Tensor, Tensor | None]:
    """Carry edges over to clusters: those inside a cluster vanish, parallel ones become one.

    Args:
        cluster: [N].
        num_clusters: C.
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        edge_reduce: How the attributes of parallel edges are combined; see
            ``torch_geometric.utils.coalesce``.

    Returns:
        Edges [2, E'] sorted by row, then column, and their attributes. Of integers, a
        mean is floating point, a sum or product int64.

    Differentiation: exact in ``edge_attr``.
    Cost: O(E log E).
    """
    row, column = (cluster.index_select(0, end) for end in edge_index)
    between = (row != column).nonzero().view(-1)
    if edge_attr is None:
        key = torch.unique((row * num_clusters + column).index_select(0, between))
        row = key // max(num_clusters, 1)
        return torch.stack([row, key - row * num_clusters]), None
    edges, reduced = coalesce(
        torch.stack([row[between], column[between]]),
        edge_attr[between].to(reduction_dtype(edge_attr.dtype, edge_reduce)),
        num_nodes=num_clusters,
        reduce=edge_reduce,
    )
    return edges, reduced.to(edge_attr.dtype) if edge_attr.is_floating_point() else reduced


def reduction_dtype(dtype: torch.dtype, edge_reduce: str) -> torch.dtype:
    """What attributes are put together in: half precision and small integers soon overflow."""
    if dtype.is_floating_point:
        return torch.promote_types(dtype, torch.float)
    if edge_reduce == "mean":
        return torch.get_default_dtype()
    return torch.long if edge_reduce in ("sum", "mul") else dtype


def coarse_batch(batch: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Graph [C] of each cluster, from the graph [N] of each node."""
    return batch.new_empty(num_clusters).scatter_(0, cluster, batch)
