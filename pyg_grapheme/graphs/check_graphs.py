"""Checks of the input of layers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric import EdgeIndex, Index

from pyg_grapheme.graphs.repeat_graphs import RepeatedGraphs
from pyg_grapheme.options import expect_count


class Graphs(NamedTuple):
    """A checked batch of B graphs: plain dense tensors on one device.

    Attributes:
        x: [N, F], finite unless the check was off.
        edge_index: [2, E], int64, inside [0, N), each edge inside one graph.
        edge_attr: [E] or [E, D], or None.
        batch: [N], int64, sorted.
        num_graphs: B.
        undirected: Whether every edge is known to exist in both directions.
        norm: [N], the length of each row of x, detached, float32 at least; None if not computed.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    num_graphs: int
    undirected: bool = False
    norm: Tensor | None = None

    def detach(self) -> "Graphs":
        """Return the same graphs with detached features."""
        edge_attr = None if self.edge_attr is None else self.edge_attr.detach()
        return self._replace(x=self.x.detach(), edge_attr=edge_attr)

    def copy(self, copies: RepeatedGraphs, num_graphs: int) -> "Graphs":
        """Return the batch of copies of these graphs, with their features and attributes."""
        attr = self.edge_attr
        return Graphs(
            self.x.index_select(0, copies.node),
            copies.edge_index,
            None if attr is None else attr.index_select(0, copies.edge),
            copies.batch,
            num_graphs,
        )


def check_graphs(
    x: object,
    edge_index: object,
    edge_attr: object,
    batch: object,
    batch_size: object,
    *,
    check_finite: bool = True,
) -> Graphs:
    """Check the input of a layer, and fill in what was left out.

    Types and shapes are checked first, as that is free; then the values, which synchronises a GPU.

    Raises:
        ValueError: if an argument is not as expected; names it, what was expected and what came.
    """
    x = _check_tensor("x", x, "a float tensor [N, F]", _FLOATS, (None, None))
    undirected = isinstance(edge_index, EdgeIndex) and edge_index.is_undirected
    edge_index = _check_edge_index(edge_index, x.device)
    if edge_attr is not None:
        edge_attr = _check_edge_attr(edge_attr, edge_index.size(1), x.device)
    if batch is not None:
        batch = _check_batch(batch, x.size(0), x.device)
    if batch_size is not None:
        batch_size = expect_count("batch_size", batch_size, 0)
    norm = row_norms(x)
    if check_finite:
        expect_finite("x", x, norm)
    _check_ends(edge_index, x.size(0))
    if batch is None:
        batch = edge_index.new_zeros(x.size(0))
        num_graphs = _count_of_one_graph(batch, batch_size)
    else:
        num_graphs = _count_graphs(batch, edge_index, batch_size)
    return Graphs(x, edge_index, edge_attr, batch, num_graphs, undirected, norm)


def row_norms(x: Tensor) -> Tensor:
    """Return the length [N] of each row of x [N, F], detached, float32 at least."""
    dtype = torch.promote_types(x.dtype, torch.float)
    norm: Tensor = torch.linalg.vector_norm(x.detach(), dim=-1, dtype=dtype)
    return norm


def check_numbers(
    name: str, value: object, size: int, unit: str, device: torch.device, check_finite: bool
) -> Tensor:
    """Return a float tensor [size], a number per unit, such as "edge"; refuse anything else.

    Raises:
        ValueError: if the value is not as expected.
    """
    expected = f"a float tensor [{size}], one number per {unit}"
    tensor = _check_tensor(name, value, expected, _FLOATS, (size,))
    _check_device(name, tensor, device)
    if check_finite:
        expect_finite(name, tensor)
    return tensor


def expect_finite(name: str, value: Tensor, norm: Tensor | None = None) -> None:
    """Refuse a tensor that holds NaN or infinity; ``norm`` is the length of its rows, if known."""
    # One sum is far cheaper than a test of each number, and finite only if all numbers are.
    total = (value if norm is None else norm).detach().sum()
    if not (math.isfinite(total) or bool(value.isfinite().all())):
        raise ValueError(f"Expected '{name}' to be finite (got NaN or infinity)")


_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_INDICES = (torch.int64, torch.int32)
_NUMBERS = (*_FLOATS, *_INDICES, torch.int16, torch.int8, torch.uint8)

_Shape = tuple[int | None, ...]  # None stands for any size


def _check_tensor(
    name: str, value: object, expected: str, dtypes: Sequence[torch.dtype], *shapes: _Shape
) -> Tensor:
    """Return a dense tensor of one of the dtypes and one of the shapes; refuse anything else."""
    if (
        not isinstance(value, Tensor)
        or value.layout != torch.strided
        or value.dtype not in dtypes
        or not any(_has_shape(value, shape) for shape in shapes)
    ):
        raise ValueError(f"Expected '{name}' to be {expected} (got {_describe(value)})")
    # PyG's index types work as tensors, but carry a cache and validate every result.
    return value.as_tensor() if isinstance(value, EdgeIndex | Index) else value


def _check_edge_index(edge_index: object, device: torch.device) -> Tensor:
    expected = "an int64 or int32 tensor [2, E]"
    if _is_sparse(edge_index):
        # PyG's convolutions accept it here, so the message says how to convert it.
        expected += ", such as torch_geometric.utils.to_edge_index(adj_t.t())[0] of a sparse adj_t"
    tensor = _check_tensor("edge_index", edge_index, expected, _INDICES, (2, None))
    _check_device("edge_index", tensor, device)
    return tensor.long()


def _check_edge_attr(edge_attr: object, num_edges: int, device: torch.device) -> Tensor:
    expected = f"a float or integer tensor [{num_edges}] or [{num_edges}, D]"
    shapes: tuple[_Shape, ...] = ((num_edges,), (num_edges, None))
    tensor = _check_tensor("edge_attr", edge_attr, expected, _NUMBERS, *shapes)
    _check_device("edge_attr", tensor, device)
    return tensor


def _check_batch(batch: object, num_nodes: int, device: torch.device) -> Tensor:
    expected = f"an int64 or int32 tensor [{num_nodes}]"
    tensor = _check_tensor("batch", batch, expected, _INDICES, (num_nodes,))
    _check_device("batch", tensor, device)
    return tensor.long()


def _check_device(name: str, tensor: Tensor, device: torch.device) -> None:
    if tensor.device != device:
        raise ValueError(f"Expected '{name}' to be on {device}, as 'x' is (got {tensor.device})")


def _check_ends(edge_index: Tensor, num_nodes: int) -> None:
    """Refuse an edge to a node that does not exist."""
    if edge_index.numel() == 0:
        return
    low, high = torch.stack(edge_index.aminmax()).tolist()
    if low < 0 or high >= num_nodes:
        raise ValueError(
            f"Expected 'edge_index' to hold nodes in [0, {num_nodes}) (got {low} to {high})"
        )


def _count_graphs(batch: Tensor, edge_index: Tensor, batch_size: int | None) -> int:
    """Return B; refuse a batch that is not sorted or out of range, and edges between two graphs."""
    if batch.numel() == 0:
        return batch_size or 0
    first, last = torch.stack(batch.aminmax()).tolist()
    if first < last:
        _check_order(batch, edge_index)
    num_graphs: int = last + 1 if batch_size is None else batch_size
    if first < 0 or last >= num_graphs:
        raise ValueError(f"Expected 'batch' to be in [0, {num_graphs}) (got {first} to {last})")
    return num_graphs


def _check_order(batch: Tensor, edge_index: Tensor) -> None:
    if not bool((batch[1:] >= batch[:-1]).all()):
        raise ValueError("Expected 'batch' to be sorted (got a smaller graph after a larger one)")
    if not torch.equal(*(batch.index_select(0, end) for end in edge_index)):
        raise ValueError(
            "Expected 'edge_index' to join nodes of one graph (got an edge between two)"
        )


def _count_of_one_graph(batch: Tensor, batch_size: int | None) -> int:
    if batch_size is None:
        return 1
    if batch_size == 0 and batch.numel():
        raise ValueError("Expected 'batch_size' to be at least 1, as there are nodes (got 0)")
    return batch_size


def _has_shape(tensor: Tensor, shape: _Shape) -> bool:
    return tensor.dim() == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, tensor.shape, strict=True)
    )


def _is_sparse(value: object) -> bool:
    # By name: torch_sparse, whose SparseTensor is no Tensor, may not be installed.
    if isinstance(value, Tensor):
        return value.layout != torch.strided
    return type(value).__name__ == "SparseTensor"


def _describe(value: object) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    layout = "" if value.layout == torch.strided else f"{_plain(value.layout)} "
    return f"{layout}{_plain(value.dtype)} of shape {tuple(value.shape)}"


def _plain(name: torch.dtype | torch.layout) -> str:
    return str(name).removeprefix("torch.")
