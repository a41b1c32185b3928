"""What a graph that goes into the pool must look like."""

import torch
from torch import Tensor


def check_graphs(
    x: Tensor,
    edge_index: Tensor,
    edge_attr: Tensor | None,
    batch: Tensor | None,
    batch_size: int | None,
) -> tuple[Tensor, int]:
    """Check the input of a pool and fill in what was left out.

    Returns:
        ``batch`` [N] (zeros where it was None) and the number of graphs B.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    if x.dim() != 2 or not x.is_floating_point():
        raise ValueError(f"Expected 'x' to be a float tensor [N, F] (got {_describe(x)})")
    if edge_index.dim() != 2 or edge_index.size(0) != 2 or edge_index.is_floating_point():
        raise ValueError(
            f"Expected 'edge_index' to be an integer tensor [2, E] (got {_describe(edge_index)})"
        )
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
        return batch, _batch_size(1 if batch_size is None else batch_size, batch)
    if batch.shape != (num_nodes,) or batch.is_floating_point():
        raise ValueError(
            f"Expected 'batch' to be an integer tensor [{num_nodes}] (got {_describe(batch)})"
        )
    if not bool((batch[1:] >= batch[:-1]).all()):
        raise ValueError("Expected 'batch' to be sorted (got a smaller graph after a larger one)")
    if not bool((batch[edge_index[0]] == batch[edge_index[1]]).all()):
        raise ValueError(
            "Expected 'edge_index' to join nodes of one graph (got an edge between two)"
        )
    found = int(batch[-1]) + 1 if num_nodes else 0
    return batch, _batch_size(found if batch_size is None else batch_size, batch)


def check_scores(score: Tensor) -> Tensor:
    """Hand scores [M] on if none is NaN or infinite."""
    if not bool(torch.isfinite(score).all()):
        raise ValueError("Expected 'x' to give finite scores (got NaN or infinity)")
    return score


def _batch_size(batch_size: int, batch: Tensor) -> int:
    if batch.numel() and not (batch[0] >= 0 and batch[-1] < batch_size):
        raise ValueError(
            f"Expected 'batch' to be in [0, {batch_size}) (got {int(batch[0])} to {int(batch[-1])})"
        )
    return batch_size


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
