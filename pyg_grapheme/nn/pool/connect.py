"""Connect: the edges of the quotient graph."""

from torch import Tensor
from torch_geometric.utils import coalesce

from pyg_grapheme.graphs import distinct_edges
from pyg_grapheme.nn.pool.scores.pair_attributes import reduction_dtype


def connect_clusters(
    cluster: Tensor,
    num_clusters: int,
    edge_index: Tensor,
    edge_attr: Tensor | None = None,
    edge_reduce: str = "sum",
) -> tuple[Tensor, Tensor | None]:
    """Map edges to clusters: edges inside a cluster are removed, parallel edges become one.

    Args:
        cluster: [N].
        num_clusters: C.
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        edge_reduce: How the attributes of parallel edges are combined; see
            ``torch_geometric.utils.coalesce``.

    Returns:
        Edges [2, E'] sorted by row, then column, and their attributes. The mean of integers is
        floating point, their sum or product int64.

    Differentiation: exact in ``edge_attr``.
    Cost: O(E log E).
    """
    edges = cluster.index_select(0, edge_index.reshape(-1)).view(2, -1)
    if edge_attr is None:
        return distinct_edges(edges, num_clusters), None
    between = (edges[0] != edges[1]).nonzero().view(-1)
    edges, reduced = coalesce(
        edges.index_select(1, between),
        edge_attr.index_select(0, between).to(reduction_dtype(edge_attr.dtype, edge_reduce)),
        num_nodes=num_clusters,
        reduce=edge_reduce,
    )
    return edges, reduced.to(edge_attr.dtype) if edge_attr.is_floating_point() else reduced


def coarse_batch(batch: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Return the graph [C] of each cluster, from the graph [N] of each node."""
    return batch.new_empty(num_clusters).scatter_(0, cluster, batch)
