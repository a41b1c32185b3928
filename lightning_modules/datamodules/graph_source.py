"""Lists of graphs from a file or a class."""

import json
import lzma
import zlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
import torch
from jsonargparse import ArgumentError, ArgumentParser
from torch import Tensor
from torch_geometric.data import Data

from pyg_grapheme.atomic_write import atomic_path
from pyg_grapheme.typing import PathLikeStr

GraphSource = dict[str, Any] | str
"""A file ``*.npz``, a class path, or ``{"class_path": ..., "init_args": {...}}``, also as JSON."""

_DAMAGE = (
    BadZipFile, EOFError, KeyError, MemoryError, OSError, OverflowError, RuntimeError, TypeError,
    ValueError, lzma.LZMAError, zlib.error,
)  # fmt: skip
"""What reading a damaged file raises."""

NODE_FIELDS, EDGE_FIELDS = ("x", "y", "pos"), ("edge_index", "edge_attr")


def load_graphs(source: GraphSource) -> Sequence[Data]:
    """Return the graphs of a file that :func:`write_graphs` wrote, or of a class.

    The class is a sequence of ``Data``; its options are checked against its signature. A sequence
    of ``Data`` is taken as it is; no command can name one, so the type does not say so.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the source is not as expected; names it.
    """
    if isinstance(source, str) and source.endswith(".npz"):
        return read_graphs(source)
    if not isinstance(source, str | dict):
        return _expect_graphs(source)
    if isinstance(source, str) and source[:1] != "{" and not _may_be_class_path(source):
        raise ValueError(f"Expected graphs to be a file *.npz or a class path (got {source!r})")
    try:
        read = json.loads(source) if isinstance(source, str) and source[:1] == "{" else source
        options = read if isinstance(read, dict) else {"class_path": read}
        if unknown := options.keys() - {"class_path", "init_args"}:
            raise ValueError(f"it has no '{min(unknown)}'")
        package, _, name = options["class_path"].rpartition(".")
        graph_class = getattr(import_module(package), name)
        parser = ArgumentParser(exit_on_error=False)
        parser.add_class_arguments(graph_class, "graphs")
        parsed = parser.parse_object({"graphs": options.get("init_args", {})})
        graphs: Sequence[Data] = parser.instantiate(parsed).graphs
        if not all(isinstance(graph, Data) for graph in graphs):
            raise ValueError("it holds something else")
    except (
        ArgumentError, AttributeError, ImportError, KeyError, RecursionError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise ValueError(
            f"Expected graphs to be a file *.npz or a class path (got {source!r}: {error})"
        ) from error
    return graphs


def _may_be_class_path(source: str) -> bool:
    is_dotted_name = all(part.isidentifier() for part in source.split("."))
    return is_dotted_name and not Path(source).is_file()


def _expect_graphs(graphs: Sequence[Data]) -> Sequence[Data]:
    for index, graph in enumerate(graphs):
        if not isinstance(graph, Data):
            raise ValueError(
                f"Expected graphs to be Data (got {type(graph).__name__} at position {index})"
            )
    return graphs


def write_graphs(path: PathLikeStr, graphs: Sequence[Data]) -> None:
    """Write graphs to an ``.npz`` without pickles.

    It holds ``num_nodes`` and ``num_edges`` [B], and the fields of all graphs one after another:
    ``x`` [N, F] floats, ``edge_index`` [2, E], whose ids count inside each graph, and, where the
    graphs have them, ``edge_attr`` [E, D], ``y`` [N] and ``pos`` [N, 2], positions in a figure.
    Other fields are left out.

    Raises:
        ValueError: if there is no graph, some graphs have a field and others do not, a field has
            other sizes than in the first graph or than its graph, ``x`` is no float tensor [N, F],
            or the name of the file does not end in ``.npz``.
    """
    if Path(path).suffix != ".npz":
        raise ValueError(f"Expected 'path' to end in .npz (got {path})")
    if isinstance(graphs, Data):
        raise ValueError("Expected 'graphs' to be a list: batch.to_data_list() (got a Batch)")
    if not graphs:
        raise ValueError("Expected 'graphs' to hold at least one graph (got none)")
    arrays: dict[str, Any] = {
        name: [getattr(graph, name) for graph in graphs] for name in ("num_nodes", "num_edges")
    }
    for name in NODE_FIELDS + EDGE_FIELDS:
        parts = [graph[name] for graph in graphs if name in graph]
        if parts and len(parts) < len(graphs):
            raise ValueError(
                f"Expected all or none of 'graphs' to have '{name}' (got {len(parts)} of "
                f"{len(graphs)})"
            )
        if parts:
            _check_sizes(name, parts, arrays["num_nodes" if name in NODE_FIELDS else "num_edges"])
            arrays[name] = torch.cat(parts, _dimension(name)).numpy()
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_graphs(path: PathLikeStr) -> list[Data]:
    """Read the graphs that :func:`write_graphs` wrote; no code inside the file runs.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or holds something else.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        if not is_zipfile(path):
            raise ValueError("it is no .npz archive")
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file.files}
        graphs = _split(arrays)
        for graph in graphs:
            graph.validate()
            if graph.edge_index.dtype != torch.long:
                raise ValueError(f"'edge_index' holds {graph.edge_index.dtype}")
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: expected graphs (got a file that does not fit: {reason})") from (
            error
        )
    return graphs


def _split(arrays: dict[str, Tensor]) -> list[Data]:
    parts = {}
    if unknown := arrays.keys() - {"num_nodes", "num_edges", *NODE_FIELDS, *EDGE_FIELDS}:
        raise ValueError(f"it has an unknown array '{min(unknown)}'")
    for sizes, names in (("num_nodes", NODE_FIELDS), ("num_edges", EDGE_FIELDS)):
        for name in names:
            if name not in arrays and name not in ("x", "edge_index"):
                continue
            if not {name, sizes} <= arrays.keys():
                raise ValueError(f"it has no '{name}' or no '{sizes}'")
            if arrays[sizes].dim() != 1:
                raise ValueError(f"'{sizes}' has {arrays[sizes].dim()} dimensions")
            array, dimension, total = arrays[name], _dimension(name), int(arrays[sizes].sum())
            if array.dim() <= dimension:
                raise ValueError(f"'{name}' has {array.dim()} dimensions")
            if array.size(dimension) != total:
                raise ValueError(f"'{name}' has {array.size(dimension)} entries for {total}")
            parts[name] = torch.split(array, arrays[sizes].tolist(), dimension)
    fields = zip(*parts.values(), strict=True)
    return [Data(**dict(zip(parts, values, strict=True))) for values in fields]


def _check_sizes(name: str, parts: list[Tensor], sizes: list[int]) -> None:
    """Refuse a field that has other sizes than in the first graph, or than the graph itself."""
    dimension = _dimension(name)
    for index, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        where, shape = f"Expected '{name}' of graph {index} to", tuple(part.shape)
        if name == "x" and not (part.is_floating_point() and part.dim() == 2):
            raise ValueError(
                f"{where} be a float tensor [N, F] (got {part.dtype} of shape {shape})"
            )
        expected = [*parts[0].shape]
        expected[dimension : dimension + 1] = [size]
        if shape != tuple(expected):
            raise ValueError(f"{where} be of shape {tuple(expected)} (got {shape})")


def _dimension(name: str) -> int:
    return 1 if name == "edge_index" else 0
