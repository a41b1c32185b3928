"""Tables of records: CSV, TSV, JSON lines and Parquet."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pyg_grapheme.distinct_names import distinct_names
from pyg_grapheme.named_errors import name_errors
from pyg_grapheme.typing import PathLikeStr

Value: TypeAlias = str | tuple[str, ...]
"""A cell: a text, or a list of texts such as the authors of a paper; empty if it is missing."""

MISSING = frozenset({"", "null", "none", "nan", "n/a", "na", "<na>"})
"""Texts that stand for a missing value, whatever their case."""

FORMATS = ".csv, .tsv, .jsonl or .parquet, .csv.gz, .tsv.gz or .jsonl.gz"


class Table(NamedTuple):
    """Columns of equal length by name.

    Attributes:
        columns: Cells by name of the column. A missing value is an empty text.
        num_rows: Records.
        name: Of the file, for messages.
    """

    columns: Mapping[str, Sequence[Value]]
    num_rows: int
    name: str = "table"

    def column(self, name: str, option: str) -> Sequence[Value]:
        """Return a column.

        Args:
            name: Of the column.
            option: The option that names it, for the error.

        Raises:
            ValueError: if there is no such column; lists those that are there.
        """
        if name not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise ValueError(
                f"{self.name}: expected '{option}' to be the name of a column: {known} "
                f"(got {name!r})"
            )
        return self.columns[name]

    def texts(self, name: str, option: str) -> list[str]:
        """Return a column as texts; the items of a list are joined."""
        return [
            text if isinstance(text, str) else "; ".join(text) for text in self.column(name, option)
        ]

    def rows(self, index: np.ndarray) -> "Table":
        """Return some of the records."""
        columns = {
            name: [cells[row] for row in index.tolist()] for name, cells in self.columns.items()
        }
        return Table(columns, len(index), self.name)


def read_table(path: PathLikeStr) -> Table:
    """Read a table.

    The first line of a ``.csv`` or ``.tsv`` file names the columns. Columns of a CSV file are
    separated by the one of ``,``, ``;``, ``|`` and tab that is most frequent in this line. Each
    line of a ``.jsonl`` file is an object of texts, numbers and lists of them; records need not
    have the same fields. Files may be compressed (``.gz``), Parquet needs pyarrow.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is empty, is not UTF-8, or a line is not as described; names file
            and line.
        ImportError: for Parquet without pyarrow.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    suffixes = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    kind = suffixes[0] if suffixes else ""
    if kind == ".parquet":
        columns = _read_parquet(path)
    elif kind in (".csv", ".tsv"):
        columns = _read_rows(path, "\t" if kind == ".tsv" else None)
    elif kind == ".jsonl":
        columns = _read_objects(path)
    else:
        raise ValueError(f"{path}: expected a file {FORMATS}")
    num_rows = len(next(iter(columns.values()), ()))
    if num_rows == 0:
        raise ValueError(f"{path}: expected at least one record (got none)")
    return Table(columns, num_rows, str(path))


def is_missing(value: Value) -> bool:
    """Return whether a cell is empty or a text that stands for a missing value."""
    return not value if isinstance(value, tuple) else value.strip().lower() in MISSING


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, with their ends.

    Raises:
        ValueError: if a line is not UTF-8; names it.
    """
    number = 0
    with name_errors(path), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            for number, line in enumerate(file, 1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise ValueError(
                f"{path}, line {number}: expected UTF-8 (got byte {byte:#x})"
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: expected a gzip file ({error})") from error


def _read_rows(path: Path, delimiter: str | None) -> dict[str, list[Value]]:
    lines = _lines(path)
    head = next(lines, "")
    delimiter = delimiter or max(",;|\t", key=head.count)

    def all_lines() -> Iterator[str]:
        yield head
        yield from lines

    reader = csv.reader(all_lines(), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
        # A trailing delimiter in the first line is no column.
        names = names[:-1] if len(names) > 1 and not names[-1] else names
        _check_names(path, names)
        columns: dict[str, list[Value]] = {name: [] for name in names}
        for row in reader:
            if not row:
                if len(names) > 1:
                    continue
                row = [""]  # An empty line is the one cell of a record.
            if len(row) != len(names) and (len(row) != len(names) + 1 or row[-1]):
                raise ValueError(
                    f"{path}, line {reader.line_num}: expected {len(names)} columns "
                    f"(got {len(row)})"
                )
            for name, cell in zip(names, row, strict=False):
                columns[name].append("" if is_missing(cell) else cell)
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    return columns


def _check_names(path: Path, names: Sequence[str]) -> None:
    if not names:
        raise ValueError(f"{path}: expected the names of columns in the first line (got none)")
    for index, name in enumerate(names):
        if not name.strip() or name in names[:index]:
            got = f"{name!r} twice" if name.strip() else "one without a name"
            raise ValueError(f"{path}: expected distinct names of columns (got {got})")


def _read_objects(path: Path) -> dict[str, list[Value]]:
    columns: dict[str, list[Value]] = {}
    count = 0
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line, object_pairs_hook=distinct_names)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise ValueError(f"{where}: expected JSON ({reason})") from error
        if not isinstance(record, dict):
            raise ValueError(f"{where}: expected an object (got {type(record).__name__})")
        for name, given in record.items():
            if name not in columns:
                columns[name] = [""] * count
                _expect_characters(name, where)
            columns[name].append(_value(given, f"{where}, {name!r}"))
        count += 1
        for column in columns.values():
            if len(column) < count:
                column.append("")
    return columns


def _value(given: Any, where: str) -> Value:
    if isinstance(given, list):
        return tuple(text for item in given if (text := _text(item, where)))
    return _text(given, where)


def _text(given: Any, where: str) -> str:
    if given is None:
        return ""
    if not isinstance(given, str | int | float):
        raise ValueError(
            f"{where}: expected a text, a number, or a list of them (got {type(given).__name__})"
        )
    text = str(given)
    _expect_characters(text, where)
    return "" if is_missing(text) else text


def _expect_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lone = text[error.start]
        raise ValueError(f"{where}: expected no lone surrogate (got {lone!r})") from error


def _read_parquet(path: Path) -> dict[str, list[Value]]:
    from pyarrow import parquet

    try:
        columns = parquet.read_table(path, page_checksum_verification=True).to_pydict()
    except Exception as error:  # A damaged file makes the reader raise whatever it stumbles on.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: expected a Parquet file ({reason})") from error
    _check_names(path, list(columns))
    return {
        name: [
            _value(str(cell) if hasattr(cell, "isoformat") else cell, f"{path}, {name!r}")
            for cell in cells
        ]
        for name, cells in columns.items()
    }
