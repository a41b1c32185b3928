"""Pool PyG's ``Data`` and ``Batch`` with all their fields."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.nn import MeanAggregation
from torch_geometric.utils import cumsum, degree, scatter

from pyg_grapheme.nn.pool.connect import connect_clusters
from pyg_grapheme.nn.pool.history import MergeHistory
from pyg_grapheme.nn.pool.output import PoolOutput
from pyg_grapheme.nn.pool.reduce import reduce_members

if TYPE_CHECKING:
    from pyg_grapheme.nn.pool.threshold_merge_pool import ThresholdMergePool


def pool_data(pool: "ThresholdMergePool", data: Data) -> Batch:
    """Pool a graph, or a batch of graphs, and carry all of its fields over.

    ``x``, ``edge_index`` and ``edge_attr`` are what the pool makes of them. Other tensors follow
    their nodes or edges: floating point is averaged over the members of a cluster (``pos``), or put
    together like ``edge_attr``; of anything else (labels, masks) the first member's, or the first
    edge's, is taken. Numbers of nodes, in fields with ``index`` in their name, become numbers of
    clusters. All else, such as ``y`` of a graph, stays as it is.

    Args:
        pool: The layer.
        data: Of N nodes in B graphs.

    Returns:
        A ``Batch`` of B graphs, which can be taken apart again, with the merge history as its
        field ``history``.

    Raises:
        ValueError: if ``data`` is not a ``Data`` or ``Batch``, or has no edge list.
    """
    if not isinstance(data, Data):
        raise ValueError(
            f"Expected 'data' to be a Data or a Batch of one type of nodes (got "
            f"{type(data).__name__})"
        )
    if data.edge_index is None:
        found = "an 'adj_t' instead" if "adj_t" in data else "none"
        raise ValueError(f"Expected 'data' to have an 'edge_index' [2, E] (got {found})")
    if data.batch is None:
        data = Batch.from_data_list([data])
    num_graphs = data.num_graphs if isinstance(data, Batch) else None
    output = pool(data.x, data.edge_index, data.edge_attr, data.batch, num_graphs)
    pooled = Batch(_base_cls=Data)
    for key, value in data.to_dict().items():
        if key not in _OWN:
            pooled[key] = _carry(key, value, data, output.history, pool.edge_reduce)
    pooled.x, pooled.edge_index, pooled.edge_attr, pooled.batch, pooled.history = output
    if output.edge_attr is None:
        del pooled.edge_attr
    _add_slices(pooled, data, output)
    return pooled


_OWN = ("x", "edge_index", "edge_attr", "batch", "ptr", "num_nodes", "history")


def _carry(key: str, value: Any, data: Data, history: MergeHistory, edge_reduce: str) -> Any:
    """What a field becomes."""
    if not isinstance(value, Tensor):
        return value
    cluster, num_clusters = history.cluster, history.num_clusters
    if "index" in key and not value.is_floating_point():
        return cluster[value]
    if data.is_node_attr(key):
        if value.is_floating_point():
            return reduce_members(MeanAggregation(), value, cluster, num_clusters)
        place = torch.arange(cluster.numel(), device=cluster.device)
        return value[scatter(place, cluster, dim_size=num_clusters, reduce="min")]
    if data.is_edge_attr(key):
        edges = (cluster, num_clusters, data.edge_index)
        if value.is_floating_point():
            return connect_clusters(*edges, value, edge_reduce)[1]
        place = torch.arange(len(value), device=value.device)
        return value[connect_clusters(*edges, place, "min")[1]]
    return value


def _add_slices(pooled: Batch, data: Data, output: PoolOutput) -> None:
    """Note where each graph's part of every field lies, for the batch to be taken apart."""
    num_graphs = output.history.num_graphs
    nodes = cumsum(degree(output.batch, num_graphs, dtype=torch.long))
    edges = degree(output.batch[output.edge_index[0]], num_graphs, dtype=torch.long)
    slices: dict[str, Tensor] = {}
    increments: dict[str, Tensor] = {}
    for key, value in pooled.to_dict().items():
        if key in ("batch", "history"):
            continue
        if pooled.is_node_attr(key):
            slices[key] = nodes
        elif key == "edge_index" or pooled.is_edge_attr(key):
            slices[key] = cumsum(edges)
        elif key in getattr(data, "_slice_dict", {}):
            slices[key] = data._slice_dict[key]
        elif isinstance(value, Tensor) and value.dim() > 0:
            each = value.size(data.__cat_dim__(key, value)) // max(num_graphs, 1)
            slices[key] = torch.arange(num_graphs + 1) * each
        else:
            continue
        numbers = "index" in key
        increments[key] = nodes[:-1] if numbers else nodes.new_zeros(num_graphs)
    pooled.ptr = nodes
    pooled._num_graphs, pooled._slice_dict, pooled._inc_dict = num_graphs, slices, increments
