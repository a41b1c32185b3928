"""What a graph that goes into the pool, and an option of it, must look like."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Graphs(NamedTuple):
    """A batch of B graphs that has been checked.

    Attributes:
        x: [N, F], finite.
        edge_index: [2, E], int64, inside [0, N), each edge inside one graph.
        edge_attr: [E] or [E, D], or None.
        batch: [N], int64, sorted.
        num_graphs: B.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    num_graphs: int

    def detach(self) -> "Graphs":
        """Return the same graphs, cut off from what computed their features."""
        edge_attr = None if self.edge_attr is None else self.edge_attr.detach()
        return self._replace(x=self.x.detach(), edge_attr=edge_attr)


def check_graphs(
    x: Tensor,
    edge_index: Tensor,
    edge_attr: Tensor | None,
    batch: Tensor | None,
    batch_size: int | None,
) -> Graphs:
    """Check the input of a pool and fill in what was left out.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    if x.dim() != 2 or not x.is_floating_point():
        raise ValueError(f"Expected 'x' to be a float tensor [N, F] (got {_describe(x)})")
    # One norm is far cheaper than looking at each number, and finite only if all of them are.
    norm = torch.linalg.vector_norm(x.detach(), dtype=torch.promote_types(x.dtype, torch.float))
    if not bool(torch.isfinite(norm)) and not bool(torch.isfinite(x).all()):
        raise ValueError("Expected 'x' to be finite (got NaN or infinity)")
    if edge_index.dim() != 2 or edge_index.size(0) != 2 or edge_index.dtype not in _INTEGERS:
        raise ValueError(
            f"Expected 'edge_index' to be an int64 or int32 tensor [2, E] "
            f"(got {_describe(edge_index)})"
        )
    edge_index = edge_index.long()
    num_nodes, num_edges = x.size(0), edge_index.size(1)
    if num_edges and not (edge_index.min() >= 0 and edge_index.max() < num_nodes):
        raise ValueError(
            f"Expected 'edge_index' to hold nodes in [0, {num_nodes}) "
            f"(got {int(edge_index.min())} to {int(edge_index.max())})"
        )
    if edge_attr is not None and (edge_attr.dim() not in (1, 2) or len(edge_attr) != num_edges):
        raise ValueError(
            f"Expected 'edge_attr' to be [{num_edges}] or [{num_edges}, D] "
            f"(got {_describe(edge_attr)})"
        )
    if batch is None:
        batch = edge_index.new_zeros(num_nodes)
        num_graphs = _batch_size(1 if batch_size is None else batch_size, batch)
        return Graphs(x, edge_index, edge_attr, batch, num_graphs)
    if batch.shape != (num_nodes,) or batch.dtype not in _INTEGERS:
        raise ValueError(
            f"Expected 'batch' to be an int64 or int32 tensor [{num_nodes}] "
            f"(got {_describe(batch)})"
        )
    batch = batch.long()
    if not bool((batch[1:] >= batch[:-1]).all()):
        raise ValueError("Expected 'batch' to be sorted (got a smaller graph after a larger one)")
    if not bool((batch[edge_index[0]] == batch[edge_index[1]]).all()):
        raise ValueError(
            "Expected 'edge_index' to join nodes of one graph (got an edge between two)"
        )
    found = int(batch[-1]) + 1 if num_nodes else 0
    num_graphs = _batch_size(found if batch_size is None else batch_size, batch)
    return Graphs(x, edge_index, edge_attr, batch, num_graphs)


def expect_one_of(name: str, value: object, names: Sequence[str]) -> None:
    """Refuse an option that is none of the names it may have."""
    if value not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(f"Expected '{name}' to be one of {known} (got {value!r})")


_INTEGERS = (torch.int64, torch.int32)


def _batch_size(batch_size: int, batch: Tensor) -> int:
    if batch_size < 0:
        raise ValueError(f"Expected 'batch_size' to be at least 0 (got {batch_size})")
    if batch.numel() and not (batch[0] >= 0 and batch[-1] < batch_size):
        raise ValueError(
            f"Expected 'batch' to be in [0, {batch_size}) (got {int(batch[0])} to {int(batch[-1])})"
        )
    return batch_size


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
