"""Call of any PyG-style pool, and its output in one form."""

from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn
from torch_geometric.data import Data


class Pooled(NamedTuple):
    """Output of a pool.

    Attributes:
        x: [C, F].
        edge_index: [2, E'].
        edge_attr: [E'] or [E', D], attributes or weights, or None.
        batch: [C].
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor


def run_pool(pool: nn.Module, data: Data, **attributes: Tensor) -> Pooled:
    """Pool a graph or a batch of graphs.

    Args:
        pool: Any pool that :func:`pyg_grapheme.testing.check_pool` takes.
        data: Graph with ``x``, ``edge_index`` and, for several graphs, ``batch``.
        attributes: Edge attributes, by the pool's name for them.

    Raises:
        AssertionError: if the output has no x, edge_index and batch, naming what it has.
    """
    batch = data.edge_index.new_zeros(data.num_nodes) if data.batch is None else data.batch
    return _read(pool(data.x, data.edge_index, batch=batch, **attributes))


def _read(output: Any) -> Pooled:
    if hasattr(output, "edge_index"):
        return _read_fields(output)
    if not isinstance(output, tuple | list):
        raise AssertionError(f"Expected the pool to return a tuple (got {_kind(output)})")
    rest = output[2:]
    index = next((i for i, item in enumerate(rest) if _is_batch(item)), None)
    if index is None:
        found = ", ".join(map(_kind, output))
        raise AssertionError(
            f"Expected an int64 vector, the batch, after x and edge_index (got {found})"
        )
    attr = next((item for item in rest[:index] if isinstance(item, Tensor)), None)
    return Pooled(output[0], output[1], attr, rest[index])


def _read_fields(output: Any) -> Pooled:
    batch = getattr(output, "batch", None)
    if not _is_batch(batch):
        raise AssertionError(f"Expected 'batch' to be an int64 vector (got {_kind(batch)})")
    return Pooled(output.x, output.edge_index, getattr(output, "edge_attr", None), batch)


def _is_batch(item: object) -> TypeGuard[Tensor]:
    return isinstance(item, Tensor) and item.dtype == torch.long and item.dim() == 1


def _kind(item: object) -> str:
    if isinstance(item, Tensor):
        return f"{str(item.dtype).removeprefix('torch.')} {list(item.shape)}"
    return "None" if item is None else type(item).__name__
