"""Checks of options and arguments."""

import math
import operator
from collections.abc import Sequence
from typing import SupportsIndex

from torch import Tensor


def expect_one_of(name: str, value: object, names: Sequence[str], other: str = "") -> None:
    """Refuse an option that is not one of the names; ``other`` says what else is allowed."""
    if value not in names:
        known = f"{', '.join(map(repr, names))} {other}".rstrip()
        raise ValueError(f"Expected '{name}' to be one of {known} (got {value!r})")


def expect_flag(name: str, value: object) -> None:
    """Refuse an option that is neither True nor False."""
    if not isinstance(value, bool):
        raise ValueError(f"Expected '{name}' to be True or False (got {value!r})")


def expect_rows(name: str, value: object, num_rows: int, unit: str) -> Tensor:
    """Refuse what is not a tensor [num_rows, ...] with one row per unit, such as "nodes"."""
    if not isinstance(value, Tensor) or value.dim() == 0 or value.size(0) != num_rows:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"Expected '{name}' to have one row for each of the {num_rows} {unit} (got {got})"
        )
    return value


def expect_count(name: str, value: object, low: int = 1) -> int:
    """Refuse an option that is not an integer of at least ``low``; return it as an int."""
    # A bool or a tensor would pass for an int, but is usually a misplaced argument; and a tensor on
    # a GPU would have to be synchronised.
    if isinstance(value, bool | Tensor) or not isinstance(value, SupportsIndex):
        got = type(value).__name__ if isinstance(value, Tensor) else repr(value)
        raise ValueError(f"Expected '{name}' to be an int (got {got})")
    if operator.index(value) < low:
        raise ValueError(f"Expected '{name}' to be at least {low} (got {value})")
    return operator.index(value)


def expect_between(name: str, value: object, low: float, high: float, expected: str) -> float:
    """Refuse an option that is not a number above ``low`` and below ``high``; return it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
        raise ValueError(f"Expected '{name}' to be {expected} (got {value!r})")
    return float(value)


def expect_at_least(name: str, value: object, low: float) -> float:
    """Refuse an option that is not a finite number of at least ``low``; return it as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < math.inf:
        raise ValueError(f"Expected '{name}' to be at least {low:g} (got {value!r})")
    return float(value)


def expect_share(name: str, value: object) -> float:
    """Refuse an option that is not a number of at least 0 and below 1; return it as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"Expected '{name}' to be in [0, 1) (got {value!r})")
    return float(value)
