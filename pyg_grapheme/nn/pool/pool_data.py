"""Pool PyG's ``Data`` and ``Batch`` with all their fields."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool.connect import connect_clusters
from pyg_grapheme.nn.pool.output import PoolOutput


def pool_data(pool: Callable[..., PoolOutput], edge_reduce: str, data: Data) -> Batch:
    """Pool a graph, or a batch of graphs, with all of its fields.

    The pool computes ``x``, ``edge_index`` and ``edge_attr``. Other tensors with one row per node
    or edge follow: floating-point fields are averaged over the members of a cluster (``pos``), or
    combined like ``edge_attr``; of all others (labels, masks), the value of the first member or
    edge is kept. Node ids, in ``face`` and in fields with ``index`` in their name, become cluster
    ids. Everything else, such as ``y`` of a graph, or an ``edge_label`` with an
    ``edge_label_index`` of its own, is unchanged. The ``batch_size`` and the ``input_id`` of a
    sample of a ``NeighborLoader`` are left out: its seeds may have merged. Read the results of the
    seeds from ``history.lift(x)[:batch_size]``.

    Args:
        pool: The layer.
        edge_reduce: How the layer combines parallel edges.
        data: N nodes in B graphs.

    Returns:
        A ``Batch`` of B graphs, with ``to_data_list`` and the merge history as its field
        ``history``.

    Raises:
        ValueError: if ``data`` is not a ``Data`` or ``Batch``, or has no edge list.
    """
    check_data(data)
    if data.batch is None:
        data = Batch.from_data_list([data])
    num_graphs = data.num_graphs if isinstance(data, Batch) else None
    output = pool(data.x, data.edge_index, data.edge_attr, data.batch, num_graphs)
    fields = _Fields(data, edge_reduce, output)
    pooled = Batch(_base_cls=Data)
    for key, value in data.to_dict().items():
        if key not in _OWN + _SEEDS and not key.endswith(("_batch", "_ptr")):
            pooled[key] = _carry(key, value, fields)
    pooled.x, pooled.edge_index, pooled.edge_attr, pooled.batch, pooled.history = output
    if output.edge_attr is None:
        del pooled.edge_attr
    _add_slices(pooled, fields)
    return pooled


def check_data(data: object) -> None:
    """Refuse what is not a ``Data`` or ``Batch`` with an edge list alone."""
    if not isinstance(data, Data):
        raise ValueError(
            f"Expected 'data' to be a Data or a Batch of one type of nodes (got "
            f"{type(data).__name__})"
        )
    sparse = [key for key in ("adj", "adj_t") if key in data]
    if data.edge_index is None or sparse:
        found = f"a sparse {sparse[0]!r}" if sparse else "none; without edges, it is empty, [2, 0]"
        raise ValueError(
            f"Expected 'data' to have its edges in 'edge_index' [2, E] only (got {found})"
        )


_OWN = ("x", "edge_index", "edge_attr", "batch", "ptr", "num_nodes", "_num_nodes", "history")
_SEEDS = ("batch_size", "input_id")
"""Fields of a sample of a loader of nodes, which say how many of its first nodes are seeds."""


class _Fields(NamedTuple):
    """The input of :func:`pool_data`, and the output of the pool."""

    data: Data
    edge_reduce: str
    output: PoolOutput


def _carry(key: str, value: Any, fields: _Fields) -> Any:
    """Return a field of the pooled data."""
    cluster, _, num_clusters, *_ = fields.output.history
    kind = _kind(key, value, fields)
    if kind == "ids":
        if value.numel() and not (value.min() >= 0 and value.max() < cluster.numel()):
            raise ValueError(
                f"Expected '{key}' to hold nodes in [0, {cluster.numel()}) "
                f"(got {int(value.min())} to {int(value.max())})"
            )
        return cluster[value]
    if kind == "node":
        if value.is_floating_point():
            wide = value.to(torch.promote_types(value.dtype, torch.float))
            mean: Tensor = scatter(wide, cluster, 0, num_clusters, "mean")
            return mean.to(value.dtype)
        place = torch.arange(cluster.numel(), device=cluster.device)
        return value[scatter(place, cluster, 0, num_clusters, "min")]
    if kind == "edge":
        edges = (cluster, num_clusters, fields.data.edge_index)
        if value.is_floating_point():
            return connect_clusters(*edges, value, fields.edge_reduce)[1]
        place = torch.arange(len(value), device=value.device)
        return value[connect_clusters(*edges, place, "min")[1]]
    return value


def _kind(
    key: str, value: Any, fields: _Fields
) -> Literal["ids", "node", "edge", "graph", "other"]:
    """Return the kind of a field: what it has one row per.

    Sizes decide, and names where sizes are ambiguous: one row per graph belongs to the graph, even
    if the graph has one edge, unless ``edge`` is in the name.
    """
    if not isinstance(value, Tensor) or value.dim() == 0:
        return "other"
    if ("index" in key or key == "face") and not value.is_floating_point():
        return "ids"
    data, num_graphs = fields.data, fields.output.history.num_graphs
    rows = getattr(data, "_slice_dict", {}).get(key)
    if rows is None:  # a batch made by hand: only the length is known
        rows = torch.tensor(len(value))
        nodes, edges = torch.tensor(data.batch.numel()), torch.tensor(data.edge_index.size(1))
        graphs = torch.tensor(num_graphs)
    else:
        owner = data.batch[data.edge_index[0]]
        nodes, edges = (batch_ptr(part, num_graphs).to(rows.device) for part in (data.batch, owner))
        graphs = torch.arange(num_graphs + 1, device=rows.device)
    if "edge" in key:
        own_edges = f"{key}_index" in data
        return "edge" if torch.equal(rows, edges) and not own_edges else "graph"
    if torch.equal(rows, graphs):
        return "graph"
    if torch.equal(rows, nodes):
        return "node"
    return "edge" if torch.equal(rows, edges) and key != "y" else "graph"


def _add_slices(pooled: Batch, fields: _Fields) -> None:
    """Record each graph's slice of every field, for ``to_data_list``."""
    data, output = fields.data, fields.output
    num_graphs = output.history.num_graphs
    nodes = batch_ptr(output.batch, num_graphs)
    edges = batch_ptr(output.batch[output.edge_index[0]], num_graphs)
    slices: dict[str, Tensor] = {"x": nodes, "edge_index": edges, "edge_attr": edges}
    if output.edge_attr is None:
        del slices["edge_attr"]
    for key, value in data.to_dict().items():
        if key in _OWN or key not in pooled:
            continue
        kind = _kind(key, value, fields)
        if kind in ("node", "edge"):
            slices[key] = nodes if kind == "node" else edges
        elif key in getattr(data, "_slice_dict", {}):
            slices[key] = data._slice_dict[key]
        elif kind != "other":
            each = value.size(data.__cat_dim__(key, value)) // max(num_graphs, 1)
            slices[key] = torch.arange(num_graphs + 1) * each
    pooled.ptr = nodes
    pooled._num_graphs, pooled._slice_dict = num_graphs, slices
    pooled._inc_dict = {
        key: nodes[:-1] if "index" in key or key == "face" else torch.zeros_like(nodes[:-1])
        for key in slices
    }
