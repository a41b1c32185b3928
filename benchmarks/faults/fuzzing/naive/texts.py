"""Readers of texts by the standard library alone, as their documentation says.

A reader raises ``RefusedError`` for what has to be refused.
"""

import csv
import io
import math
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from benchmarks.faults.fuzzing.naive.lines import (
    RefusedError,
    compose,
    decode_lines,
    is_text,
    json_object,
    text_lines,
)

Examples = list[tuple[str, str, tuple[str, ...]]]

LONGEST = 20_000
"""Units of a text to rewrite."""

HEADER = {"answer", "features", "feats", "id", "input", "label", "tags", "target", "output"}
PAIR_HEADER = HEADER | {
    *("form", "historical", "lemma", "modern", "normalized", "phonemes", "phones", "prediction"),
    *("pronunciation", "question", "source", "text", "word"),
}


def read_columns(data: bytes, count: int) -> Examples:
    """Read pairs, or lemma, form and features."""
    examples: Examples = []
    for number, line in text_lines(data):
        row = line.split("\t")
        if len(row) != count or not row[0]:
            raise RefusedError(number)
        tags = tuple(filter(None, "".join(row[2:]).split(";")))
        examples.append((row[0], row[1], tags))
    return examples


def read_pairs(data: bytes) -> Examples:
    """Read lines of two columns, the first of which is no header."""
    examples = read_columns(data, 2)
    names = {column.strip().lower() for column in examples[0][:2]}
    if len(names) == 2 and names <= PAIR_HEADER:
        raise RefusedError(1)
    return examples


def read_inflections(data: bytes) -> Examples:
    """Read lines of three columns, the first of which is no header."""
    examples = read_columns(data, 3)
    if next(text_lines(data))[1].split("\t")[2].lower() in HEADER:
        raise RefusedError(1)
    return examples


def read_table(data: bytes, delimiter: str) -> Examples:
    """Read the columns "input" and "target" of a table, each of which is there once."""
    text = "".join(line for _, line in decode_lines(data)).removesuffix("\n")
    if "\0" in text:
        raise RefusedError(text[: text.index("\0")].count("\n") + 1)
    table = csv.reader(
        io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter, strict=True
    )
    rows: list[tuple[int, list[str]]] = []
    while True:
        number = table.line_num + 1
        try:
            row = next(table)
        except StopIteration:
            break
        except csv.Error as error:
            raise RefusedError(number) from error
        rows.append((number, row))
        header = rows[0][1]
        if len(row) != len(header) or header.count("input") != 1 or header.count("target") != 1:
            raise RefusedError(number)
        if len(rows) > 1 and not row[header.index("input")]:
            raise RefusedError(number)
    if len(rows) < 2:
        raise RefusedError
    source, target = header.index("input"), header.index("target")
    return [(row[source], row[target], ()) for _, row in rows[1:]]


def read_questions(data: bytes) -> Examples:
    """Read objects with "input" and "target"."""
    examples: Examples = []
    for number, line in text_lines(data):
        record = json_object(number, line)
        source, target = record.get("input"), record.get("target")
        if not (is_text(source) and is_text(target) and source):
            raise RefusedError(number)
        examples.append((str(source), str(target), ()))
    return examples


def read_maths(data: bytes) -> Examples:
    """Read objects with "input_polish" and a symbolic answer, or a number."""
    examples: Examples = []
    for line_number, line in text_lines(data):
        record = json_object(line_number, line)
        source, answer = record.get("input_polish"), record.get("expected_symbolic")
        if answer in (None, ""):
            number: Any = record.get("expected_result")
            if type(number) is not int and not (type(number) is float and math.isfinite(number)):
                raise RefusedError(line_number)
            whole = number == int(number)
            answer = format(Decimal(number if type(number) is int else number + 0.0), "f")
            answer = answer if whole else repr(number)
        if not source or not is_text(source) or not is_text(answer):
            raise RefusedError(line_number)
        examples.append((source, str(answer), ()))
    return examples


def read_historical(data: bytes) -> Examples:
    """Read pairs of spellings, without those of which a side is empty or all punctuation.

    The published protocol drops such lines, and so those that have lost their tab: see
    :func:`other_lines`.
    """
    examples: Examples = []
    first = True
    for number, line in text_lines(data):
        columns = line.split("\t")
        if not line.strip():
            continue
        if first and len(columns) > 1:
            names = {column.strip().lower() for column in columns}
            if len(columns) != 2 or (len(names) == 2 and names <= PAIR_HEADER):
                raise RefusedError(number)
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
    if not examples:
        raise RefusedError
    return examples


def other_lines(data: bytes) -> list[int]:
    """Return the numbers of lines of a historical file with a text, but without two columns."""
    return [number for number, line in text_lines(data) if line.strip() and line.count("\t") != 1]


TEXT_FORMATS: dict[str, Callable[[bytes], Examples]] = {
    "inflections": read_inflections,
    "pairs": read_pairs,
    "table.tsv": lambda data: read_table(data, "\t"),
    "table.csv": lambda data: read_table(data, ","),
    "questions": read_questions,
    "maths": read_maths,
}
"""Readers of the formats that are told by the first line."""


def requests_of_questions(data: bytes) -> Iterator[str]:
    """Yield the inputs of questions to rewrite, with scores between tabs.

    Raises:
        RefusedError: as :func:`requests`.
    """
    for number, (text, *_) in enumerate(read_questions(data), 1):
        if {"\n", "\r", "\t"} & set(text) or len(compose(text)) > LONGEST:
            raise RefusedError(number)
        yield text


def requests(data: bytes) -> Iterator[str]:
    """Yield the text of each line to rewrite.

    Raises:
        RefusedError: at the first line that is none, after the texts before it were yielded.
    """
    lines = decode_lines(data.removesuffix(b"\n")) if data else iter(())
    for number, ended in lines:
        line = ended.removesuffix("\n").rstrip("\r")
        columns = line.split("\t")
        if {"\0", "\r"} & set(line) or len(columns) > 2 or len(compose(columns[0])) > LONGEST:
            raise RefusedError(number)
        yield columns[0]
