"""Readers of tables of records by the standard library alone, as their documentation says.

A reader raises ``RefusedError`` for what has to be refused.
"""

import csv
import gzip
from collections.abc import Iterator
from typing import Any

from benchmarks.faults.fuzzing.naive.lines import RefusedError, decode_lines, is_text, json_object

Columns = dict[str, list[Any]]

MISSING = ("", "null", "none", "nan", "n/a", "na", "<na>")


def unpack(data: bytes) -> bytes:
    """Decompress a file."""
    try:
        return gzip.decompress(data)
    except Exception as error:
        raise RefusedError from error


def record_table(data: bytes, suffix: str) -> Columns:
    """Read a table of records: ".csv", ".tsv" or ".jsonl", maybe with ".gz"."""
    if suffix.endswith(".gz"):
        return record_table(unpack(data), suffix.removesuffix(".gz"))
    data = data.removesuffix(b"\n")
    columns = (
        _record_objects(data)
        if suffix == ".jsonl"
        else _record_rows(data, "\t" if suffix == ".tsv" else None)
    )
    if not columns or not next(iter(columns.values())):
        raise RefusedError
    return columns


def cell(value: object) -> str:
    """Return a cell as a text, an empty one if it is missing."""
    return "" if value is None or str(value).strip().lower() in MISSING else str(value)


def _record_rows(data: bytes, delimiter: str | None) -> Columns:
    if not data:
        raise RefusedError
    head = next(decode_lines(data))[1]
    delimiter = delimiter or max(",;|\t", key=head.count)
    # Lines end at line feeds alone.
    reader = csv.reader((line for _, line in decode_lines(data)), delimiter=delimiter, strict=True)
    rows = _rows(reader)
    names = next(rows, [])
    if len(names) > 1 and not names[-1]:
        names = names[:-1]
    if not names or not all(map(str.strip, names)) or len(set(names)) < len(names):
        raise RefusedError
    columns: Columns = {name: [] for name in names}
    for given in rows:
        if not given and len(names) > 1:
            continue
        row = given or [""]
        if len(row) == len(names) + 1 and not row[-1]:
            row.pop()
        if len(row) != len(names):
            raise RefusedError(reader.line_num)
        for name, value in zip(names, row, strict=True):
            columns[name].append(cell(value))
    return columns


def _rows(reader: Any) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except csv.Error as error:
            raise RefusedError(reader.line_num) from error
        except StopIteration:
            return


def _record_objects(data: bytes) -> Columns:
    records = []
    for number, line in decode_lines(data):
        if line.strip():
            record = json_object(number, line)
            for name, value in record.items():
                items = value if isinstance(value, list) else [value]
                if not all(isinstance(item, str | int | float | None) for item in items):
                    raise RefusedError(number)
                if not all(is_text(item) for item in [name, *items] if isinstance(item, str)):
                    raise RefusedError(number)
            records.append(record)
    columns: Columns = {name: [] for record in records for name in record}
    for record in records:
        for name, column in columns.items():
            value = record.get(name)
            texts = [cell(item) for item in (value if isinstance(value, list) else [value])]
            column.append(tuple(filter(None, texts)) if isinstance(value, list) else texts[0])
    return columns


def joined(columns: Columns, name: str) -> list[str]:
    """Return the texts of a column, the items of lists joined."""
    return ["; ".join(cell) if isinstance(cell, tuple) else cell for cell in columns[name]]
