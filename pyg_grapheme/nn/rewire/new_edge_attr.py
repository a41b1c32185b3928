"""Attributes of the edges of a rewired graph."""

import math
from typing import TypeAlias

import torch
from torch import Tensor, nn

from pyg_grapheme.nn.rewire.select import RewireSelection

NewEdgeAttr: TypeAlias = float | Tensor | nn.Module | None


def check_new_edge_attr(value: object) -> None:
    """Refuse what gives no attributes to new edges."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_row = isinstance(value, Tensor) and value.dim() <= 1
    if not (value is None or is_number or is_row or isinstance(value, nn.Module)):
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise ValueError(
            f"Expected 'new_edge_attr' to be None, a number, a tensor [D] or a module (got {got})"
        )


def edge_attributes(
    selection: RewireSelection, x: Tensor, edge_attr: Tensor | None, new: NewEdgeAttr
) -> Tensor | None:
    """Return the attributes of the edges of a selection: those of the input, and ``new`` ones.

    Args:
        selection: E' edges.
        x: [N, F].
        edge_attr: [E] or [E, D], or None.
        new: None for zero, a number, a tensor [D] ([] for attributes [E]), or a module
            ``(x_i [K, F], x_j [K, F]) -> [K, D]`` of the source and the target of each new edge.

    Returns:
        [E'] or [E', D], of the dtype of ``edge_attr``; None if that is None.

    Raises:
        ValueError: if ``new`` does not fit the attributes, or there are none.

    Differentiation: exact in edge_attr, x, ``new`` and its parameters.
    """
    if edge_attr is None:
        if new is not None:
            raise ValueError("Expected 'edge_attr' to be given, as 'new_edge_attr' is (got None)")
        return None
    is_new = selection.edge < 0
    ends = selection.edge_index[:, is_new]
    if ends.size(1) == 0:
        return edge_attr.index_select(0, selection.edge)
    rows = _new_rows(ends, x, edge_attr, new)
    place = edge_attr.size(0) + is_new.cumsum(0) - 1
    place = torch.where(is_new, place, selection.edge)
    return torch.cat([edge_attr, rows]).index_select(0, place)


def _new_rows(ends: Tensor, x: Tensor, edge_attr: Tensor, new: NewEdgeAttr) -> Tensor:
    shape = (ends.size(1), *edge_attr.shape[1:])
    if new is None or isinstance(new, int | float):
        value = 0.0 if new is None else new
        if not edge_attr.is_floating_point():
            _expect_whole(value, edge_attr.dtype)
        return edge_attr.new_full(shape, value)
    if isinstance(new, nn.Module):
        rows = new(*(x.index_select(0, end) for end in ends))
        wanted, what = shape, "return one row per row of x_i, "
    else:
        rows, wanted, what = new, shape[1:], "have the shape of a row of 'edge_attr', "
    if not isinstance(rows, Tensor) or tuple(rows.shape) != wanted:
        got = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise ValueError(f"Expected 'new_edge_attr' to {what}{wanted} (got {got})")
    if rows.is_floating_point() and not edge_attr.is_floating_point():
        raise ValueError(
            f"Expected 'new_edge_attr' to be whole numbers, as 'edge_attr' is "
            f"{_name(edge_attr.dtype)} (got {_name(rows.dtype)})"
        )
    return rows.to(edge_attr).expand(shape)


def _expect_whole(value: float, dtype: torch.dtype) -> None:
    """Refuse a number that attributes of an integer dtype cannot hold."""
    low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    if not (math.isfinite(value) and value == int(value) and low <= value <= high):
        raise ValueError(
            f"Expected 'new_edge_attr' to be a whole number in [{low}, {high}], as 'edge_attr' is "
            f"{_name(dtype)} (got {value})"
        )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
