"""The kinds of columns: texts, lists, numbers, dates."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, TypeAlias, get_args

import numpy as np

from pyg_grapheme.options import expect_one_of
from pyg_grapheme.records.table import Table, Value, is_missing

ColumnKind: TypeAlias = Literal["text", "list", "number", "date"]
"""How the cells of a column are compared."""

SHARE = 0.95
"""Share of the values of a column that have to be numbers or dates for it to be one of them."""


def column_kinds(table: Table, given: dict[str, ColumnKind] | None = None) -> dict[str, ColumnKind]:
    """Return the columns to compare and their kinds.

    A column of lists is a "list". If 95 % of its values are numbers, it is a "number", if they are
    dates in ISO 8601 (``2024-05-17``), a "date", otherwise a "text". Columns of fewer than two
    distinct values are left out.

    Args:
        table: The records.
        given: Kinds that are known; only these columns are compared.

    Raises:
        ValueError: if no column is left, or one that is given is not there, or of another kind.
    """
    kinds: dict[str, ColumnKind] = {}
    for name in table.columns if given is None else given:
        cells = table.column(name, "columns")
        if given is not None:
            expect_one_of(f"columns.{name}", given[name], get_args(ColumnKind))
        if len({cell for cell in cells if not is_missing(cell)}) > 1:
            kinds[name] = _kind(cells) if given is None else given[name]
            expect_kind(table, name, kinds[name])
        elif given is not None:
            raise ValueError(
                f"{table.name}: expected {name!r} to have at least two distinct values (got fewer)"
            )
    if not kinds:
        raise ValueError(
            f"{table.name}: expected a column of at least two distinct values (got none)"
        )
    return kinds


def expect_kind(table: Table, name: str, kind: ColumnKind) -> None:
    """Refuse a column of numbers or dates of which no value is one.

    Raises:
        ValueError: if it is such a column; names it and a value.
    """
    known = [cell for cell in table.column(name, "columns") if not is_missing(cell)]
    read = {"number": (to_numbers, "numbers"), "date": (to_days, "dates such as 2024-05-17")}
    if kind in read and known:
        to_values, what = read[kind]
        if not np.isfinite(to_values(known)).any():
            raise ValueError(f"{table.name}: expected {what} in {name!r} (got {known[0]!r})")


def _kind(cells: Sequence[Value]) -> ColumnKind:
    known = [cell for cell in cells if not is_missing(cell)]
    if any(isinstance(cell, tuple) for cell in known):
        return "list"
    if np.isfinite(to_numbers(known)).mean() >= SHARE:
        return "number"
    if np.isfinite(to_days(known)).mean() >= SHARE:
        return "date"
    return "text"


def to_numbers(cells: Sequence[Value]) -> np.ndarray:
    """Return numbers [n]; NaN for cells that are none, or not finite."""
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: Value) -> float:
    try:
        # Python also reads "1_000".
        number = float(cell) if isinstance(cell, str) and "_" not in cell else math.nan
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def to_days(cells: Sequence[Value]) -> np.ndarray:
    """Return dates as days [n] since the year 1, with fractions; NaN for cells that are none."""
    return np.array([_days(cell) for cell in cells], dtype=np.float64)


def _days(cell: Value) -> float:
    try:
        moment = datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else None
    except ValueError:
        return math.nan
    if moment is None:
        return math.nan
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=moment.tzinfo)
    return date(moment.year, moment.month, moment.day).toordinal() + (moment - midnight) / _DAY


_DAY = datetime(1, 1, 2) - datetime(1, 1, 1)
