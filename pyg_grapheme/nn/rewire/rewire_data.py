"""Rewire PyG's ``Data`` and ``Batch``."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool.pool_data import check_data
from pyg_grapheme.nn.rewire.output import RewireOutput

AnyData = TypeVar("AnyData", bound=Data)


def rewire_data(rewire: Callable[..., RewireOutput], data: AnyData) -> AnyData:
    """Return a graph, or a batch of graphs, with other edges.

    ``edge_index`` and ``edge_attr`` are those of the layer. Other fields with one value per edge,
    as PyG tells by size and name, follow the edges; they are zero at inserted ones. ``y``, and all
    other fields, are shared with ``data``, which is left as it is. So labels of edges need a name
    with "edge" in it, and edge weights that are not zero at inserted edges, ``edge_attr``.

    Raises:
        ValueError: if ``data`` is not a ``Data`` or ``Batch``, or has no edge list.
    """
    check_data(data)
    num_graphs = data.num_graphs if isinstance(data, Batch) else None
    output = rewire(data.x, data.edge_index, data.edge_attr, data.batch, num_graphs)
    edge = output.history.edge
    rewired = copy.copy(data)
    carried = [key for key in data.keys() if _is_per_edge(key, data, output)]  # noqa: SIM118
    for key in carried:
        value = torch.cat([data[key], data[key].new_zeros(1, *data[key].shape[1:])])
        rewired[key] = value.index_select(0, torch.where(edge < 0, data.num_edges, edge))
    rewired.edge_index, rewired.edge_attr = output.edge_index, output.edge_attr
    if output.edge_attr is None:
        del rewired.edge_attr
    if hasattr(data, "_slice_dict"):
        graph = data.batch.index_select(0, output.edge_index[0])
        ptr = batch_ptr(graph, output.history.num_graphs)
        own = {"edge_index", "edge_attr", *carried} & data._slice_dict.keys()
        rewired._slice_dict = {**data._slice_dict, **dict.fromkeys(own, ptr)}
    return rewired


def _is_per_edge(key: str, data: Data, output: RewireOutput) -> bool:
    """Return whether a field follows the edges; where sizes are ambiguous, its name decides."""
    if "index" in key or key in ("edge_attr", "y") or f"{key}_index" in data:
        return False
    is_tensor = isinstance(data[key], Tensor)
    ambiguous = data.num_edges == output.history.num_graphs and "edge" not in key
    return is_tensor and not ambiguous and bool(data.is_edge_attr(key))
