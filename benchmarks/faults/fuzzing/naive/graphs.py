"""Reader of graphs by NumPy alone, as the documentation says."""

import io
from typing import Any

import numpy as np

INTEGERS = tuple(map(np.dtype, ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")))
LABELS = tuple(map(np.dtype, ("i1", "i2", "i4", "i8", "u1")))
FLOATS = tuple(map(np.dtype, ("f2", "f4", "f8")))

FIELDS = {"num_nodes", "num_edges", "x", "y", "pos", "edge_index", "edge_attr"}

LARGEST = 1e15

Graph = dict[str, np.ndarray[Any, Any]]


def graphs(data: bytes) -> list[Graph] | None:
    """Read graphs: the arrays of each, whatever their types."""
    try:
        with np.load(io.BytesIO(data)) as file:
            arrays = {name: file[name] for name in file.files}
        if not arrays.keys() <= FIELDS:
            return None
        parts: dict[str, list[np.ndarray[Any, Any]]] = {}
        for sizes in (arrays["num_nodes"], arrays["num_edges"]):
            if sizes.dtype not in INTEGERS or sizes.ndim != 1 or (sizes < 0).any():
                return None
        for sizes, names in (
            ("num_nodes", ("x", "y", "pos")),
            ("num_edges", ("edge_index", "edge_attr")),
        ):
            stops = np.cumsum(arrays[sizes])
            for name in names:
                if name in arrays:
                    axis = 1 if name == "edge_index" else 0
                    if arrays[name].shape[axis] != (stops[-1] if stops.size else 0):
                        return None
                    parts[name] = np.split(arrays[name], stops[:-1].astype(int), axis)
        count = len(arrays["num_nodes"])
        if len(arrays["num_edges"]) != count or not {"x", "edge_index"} <= parts.keys():
            return None
        return [{name: part[i] for name, part in parts.items()} for i in range(count)]
    except Exception:
        return None


def are_clean(read: list[Graph] | None, is_labelled: bool) -> bool:
    """Return whether graphs are as the data module describes them."""
    if not read:
        return False
    first = read[0]
    return all(
        all(array.dtype in INTEGERS + FLOATS for array in graph.values())
        and graph["x"].dtype in FLOATS
        and graph["x"].ndim == 2
        and graph["x"].shape[1:] == first["x"].shape[1:]
        and bool((np.abs(graph["x"].astype(float)) <= LARGEST).all())
        and _fits_edges(graph, first)
        and (not is_labelled or _has_labels(graph))
        for graph in read
    )


def join_nodes(graph: Graph) -> bool:
    """Return whether edges are pairs of nodes."""
    edges = graph["edge_index"]
    if edges.dtype != np.int64 or edges.ndim != 2 or edges.shape[0] != 2:
        return False
    return edges.size == 0 or bool(edges.min() >= 0 and edges.max() < len(graph["x"]))


def _fits_edges(graph: Graph, first: Graph) -> bool:
    attr = graph.get("edge_attr")
    if attr is None or not join_nodes(graph):
        return attr is None and "edge_attr" not in first and join_nodes(graph)
    return (
        "edge_attr" in first
        and attr.dtype in FLOATS
        and attr.ndim in (1, 2)
        and attr.shape[1:] == first["edge_attr"].shape[1:]
        and bool((np.abs(attr.astype(float)) <= LARGEST).all())
    )


def _has_labels(graph: Graph) -> bool:
    y = graph.get("y")
    if y is None or y.ndim != 1 or y.dtype not in LABELS:
        return False
    return len(y) == 0 or (int(y.min()) >= -1 and int(y.max()) >= 0)
