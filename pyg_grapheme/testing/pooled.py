"""How a stranger's pool is called, and what it returns is read."""

from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn
from torch_geometric.data import Data


class Pooled(NamedTuple):
    """What all pools return, in one shape or another.

    Attributes:
        x: [C, F].
        edge_index: [2, E'].
        edge_attr: [E'] or [E', D], attributes or weights; None where there are none.
        batch: [C].
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor


def run_pool(pool: nn.Module, data: Data, **attributes: Tensor) -> Pooled:
    """Pool a graph or a batch of them.

    Args:
        pool: See :func:`pyg_grapheme.testing.check_pool`.
        data: ``x``, ``edge_index`` and, where there are several graphs, ``batch``.
        attributes: Of the edges, by the name that the pool has for them.

    Raises:
        AssertionError: if x, edge_index and batch are not found in what the pool returns, naming
            what came.
    """
    batch = data.edge_index.new_zeros(data.num_nodes) if data.batch is None else data.batch
    return _read(pool(data.x, data.edge_index, batch=batch, **attributes))


def _read(output: Any) -> Pooled:
    if hasattr(output, "edge_index"):
        return _read_fields(output)
    if not isinstance(output, tuple | list):
        raise AssertionError(f"Expected the pool to return a tuple (got {_kind(output)})")
    rest = output[2:]
    place = next((i for i, item in enumerate(rest) if _is_batch(item)), None)
    if place is None:
        came = ", ".join(map(_kind, output))
        raise AssertionError(
            f"Expected an int64 vector, the batch, after x and edge_index (got {came})"
        )
    attr = next((item for item in rest[:place] if isinstance(item, Tensor)), None)
    return Pooled(output[0], output[1], attr, rest[place])


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
