"""Readers of the same files by the standard library alone, as their documentation says.

They share no code with the package. A reader returns None for what has to be refused.
"""

import csv
import gzip
import io
import json
import math
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

Examples = list[tuple[str, str, tuple[str, ...]]]
Columns = dict[str, list[Any]]

MISSING = ("", "null", "none", "nan", "n/a", "na", "<na>")
HEADER = {"answer", "features", "feats", "id", "input", "label", "tags", "target", "output"}
PAIR_HEADER = HEADER | {
    *("form", "historical", "lemma", "modern", "normalized", "phonemes", "phones", "prediction"),
    *("pronunciation", "question", "source", "text", "word"),
}


def decode(data: bytes) -> str | None:
    """Return a text in UTF-8 without the byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def compose(text: str) -> str:
    """Return a text in the form NFC."""
    return unicodedata.normalize("NFC", text)


def is_text(value: object) -> bool:
    """Return whether a value is a text that can be written as UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def text_lines(data: bytes) -> list[str] | None:
    """Return the lines of a file of examples, without blank ones at its end."""
    text = decode(data)
    if text is None or "\0" in text or not text.strip():
        return None
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while not lines[-1]:
        lines.pop()
    return lines


def read_columns(data: bytes, count: int) -> Examples | None:
    """Read pairs, or lemma, form and features."""
    lines = text_lines(data)
    if lines is None:
        return None
    rows = [line.split("\t") for line in lines]
    if any(len(row) != count or not row[0] for row in rows):
        return None
    return [(row[0], row[1], tuple(filter(None, "".join(row[2:]).split(";")))) for row in rows]


def read_pairs(data: bytes) -> Examples | None:
    """Read lines of two columns, the first of which is no header."""
    examples = read_columns(data, 2)
    if examples is None:
        return None
    names = {column.strip().lower() for column in examples[0][:2]}
    return None if len(names) == 2 and names <= PAIR_HEADER else examples


def read_inflections(data: bytes) -> Examples | None:
    """Read lines of three columns, the first of which is no header."""
    examples = read_columns(data, 3)
    lines = text_lines(data)
    if examples is None or lines is None or lines[0].split("\t")[2].lower() in HEADER:
        return None
    return examples


def read_table(data: bytes, delimiter: str) -> Examples | None:
    """Read the columns "input" and "target" of a table."""
    text = decode(data)
    if text is None or "\0" in text:
        return None
    try:
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header, *rows = list(table) or [[]]
    except csv.Error:
        return None
    while rows and not rows[-1]:
        rows.pop()
    if not {"input", "target"} <= set(header) or not rows:
        return None
    if any(len(row) != len(header) for row in rows):
        return None
    source, target = header.index("input"), header.index("target")
    examples: Examples = [(row[source], row[target], ()) for row in rows]
    return examples if all(example[0] for example in examples) else None


def json_records(data: bytes) -> list[dict[str, Any]] | None:
    """Read an object per line."""
    lines = text_lines(data)
    try:
        records = [json.loads(line) for line in lines or []]
    except (ValueError, RecursionError):
        return None
    return records if records and all(isinstance(record, dict) for record in records) else None


def read_questions(data: bytes) -> Examples | None:
    """Read objects with "input" and "target"."""
    records = json_records(data)
    if records is None:
        return None
    pairs = [(record.get("input"), record.get("target")) for record in records]
    if not all(is_text(a) and is_text(b) and a for a, b in pairs):
        return None
    return [(str(a), str(b), ()) for a, b in pairs]


def read_maths(data: bytes) -> Examples | None:
    """Read objects with "input_polish" and a symbolic answer, or a number."""
    examples: Examples = []
    for record in json_records(data) or []:
        source, answer = record.get("input_polish"), record.get("expected_symbolic")
        if not source or not is_text(source):
            return None
        if answer in (None, ""):
            number: Any = record.get("expected_result")
            if type(number) not in (int, float) or not math.isfinite(number):
                return None
            whole = number == int(number)
            answer = format(Decimal(number if type(number) is int else number + 0.0), "f")
            answer = answer if whole else repr(number)
        if not is_text(answer):
            return None
        examples.append((source, answer, ()))
    return examples or None


def read_historical(data: bytes) -> Examples | None:
    """Read pairs of spellings, without those of which a side is empty or all punctuation."""
    text = decode(data)
    if text is None or "\0" in text:
        return None
    examples: Examples = []
    first = True
    for line in text.split("\n"):
        columns = line.split("\t")
        if not line.strip():
            continue
        if first and len(columns) > 1:
            names = {column.strip().lower() for column in columns}
            if len(columns) != 2 or (len(names) == 2 and names <= PAIR_HEADER):
                return None
        first = False
        sides = [column.strip() for column in columns[:2]]
        if len(sides) < 2 or any(
            all(unicodedata.category(c)[0] == "P" for c in side) for side in sides
        ):
            continue
        old, modern = (compose(side).lower() for side in sides)
        if old == modern:
            old = modern = "".join("0" if c.isdecimal() else c for c in old)
        examples.append((old, modern, ()))
    return examples or None


TEXT_FORMATS: dict[str, Callable[[bytes], Examples | None]] = {
    "inflections": read_inflections,
    "pairs": read_pairs,
    "table.tsv": lambda data: read_table(data, "\t"),
    "table.csv": lambda data: read_table(data, ","),
    "questions": read_questions,
    "maths": read_maths,
    "historical": read_historical,
}


def requests(data: bytes) -> Iterator[str | None]:
    """Yield the text of each line to rewrite; None for the first one that has to be refused."""
    for number, raw in enumerate(io.BytesIO(data)):
        try:
            line = raw.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            line = "\0"
        columns = line.removesuffix("\n").removesuffix("\r").split("\t")
        if "\0" in line or len(columns) > 2:
            yield None
            return
        yield columns[0]


def unpack(data: bytes) -> bytes | None:
    """Decompress a file."""
    try:
        return gzip.decompress(data)
    except Exception:
        return None


def record_table(data: bytes, suffix: str) -> Columns | None:
    """Read a table of records: ".csv", ".tsv" or ".jsonl", maybe with ".gz"."""
    if suffix.endswith(".gz"):
        unpacked = unpack(data)
        return None if unpacked is None else record_table(unpacked, suffix.removesuffix(".gz"))
    text = decode(data)
    if text is None:
        return None
    columns = (
        _record_objects(text)
        if suffix == ".jsonl"
        else _record_rows(text, "\t" if suffix == ".tsv" else None)
    )
    return columns if columns and len(next(iter(columns.values()))) else None


def _cell(value: object) -> str:
    return "" if value is None or str(value).strip().lower() in MISSING else str(value)


def _record_rows(text: str, delimiter: str | None) -> Columns | None:
    head = text.split("\n")[0]
    delimiter = delimiter or max(",;|\t", key=head.count)
    try:
        # Lines end at line feeds alone.
        rows = list(csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    if not rows:
        return None
    names = rows[0]
    if len(names) > 1 and not names[-1]:
        names = names[:-1]
    if not names or not all(map(str.strip, names)) or len(set(names)) < len(names):
        return None
    cells = [row or [""] for row in rows[1:] if row or len(names) == 1]
    for row in cells:
        if len(row) == len(names) + 1 and not row[-1]:
            row.pop()
        if len(row) != len(names):
            return None
    return {name: [_cell(row[i]) for row in cells] for i, name in enumerate(names)}


def _record_objects(text: str) -> Columns | None:
    try:
        records = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(record, dict) for record in records):
        return None
    columns: Columns = {name: [] for record in records for name in record}
    for record in records:
        for name, column in columns.items():
            value = record.get(name)
            items = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | int | float | None) for item in items):
                return None
            if not all(is_text(item) for item in [name, *items] if isinstance(item, str)):
                return None
            texts = [_cell(item) for item in items]
            column.append(tuple(filter(None, texts)) if isinstance(value, list) else texts[0])
    return columns


def joined(columns: Columns, name: str) -> list[str]:
    """Return the texts of a column, the items of lists joined."""
    return ["; ".join(cell) if isinstance(cell, tuple) else cell for cell in columns[name]]
