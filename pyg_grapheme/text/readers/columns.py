"""Examples in columns: tables with a header, and files of pairs or of inflections without one."""

import csv
import io
import warnings
from collections.abc import Sequence

from pyg_grapheme.text.readers.example_error import ExampleError, fail_at, show_fields
from pyg_grapheme.text.readers.examples import Example, NumberedExamples, NumberedLines
from pyg_grapheme.text.readers.historical import preprocess_historical

_HEADER_NAMES = {"answer", "features", "feats", "id", "input", "label", "tags", "target", "output"}
"""Column names that tell a header from the first line of an inflection file."""

_PAIR_NAMES = _HEADER_NAMES | {
    *("form", "historical", "lemma", "modern", "normalized", "phonemes", "phones", "prediction"),
    *("pronunciation", "question", "source", "text", "word"),
}
"""Column names that tell a header from the first line of a file of pairs."""


def is_inflection(columns: Sequence[str]) -> bool:
    """Return whether a first line has lemma, form and features, and is no header."""
    return len(columns) == 3 and columns[2].lower() not in _HEADER_NAMES


def is_pair(columns: Sequence[str]) -> bool:
    """Return whether a first line has input and target, and is no header.

    A single word may be both, such as "answer"; a header has two different ones.
    """
    names = {column.strip().lower() for column in columns}
    return len(columns) == 2 and not (len(names) == 2 and names <= _PAIR_NAMES)


def read_table(name: str, text: str, delimiter: str) -> NumberedExamples:
    """Read the columns ``input`` and ``target`` of a table with a header and optional quotes."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            fail_at(name, line, f"broken quoting ({error})", f"{len(header) or 'quoted'} columns")
        if not header:
            header = row
            if not {"input", "target"} <= set(header):
                fail_at(name, line, f"{header}", "a header with the columns 'input' and 'target'")
            if header.count("input") + header.count("target") > 2:
                fail_at(name, line, f"{header}", "one column 'input' and one 'target'")
            source, target = header.index("input"), header.index("target")
            continue
        if len(row) != len(header):
            fail_at(name, line, f"{len(row)}: {row}", f"{len(header)} columns: {header}")
        yield line, Example(row[source], row[target])


def read_inflections(name: str, lines: NumberedLines) -> NumberedExamples:
    """Read lines of lemma, form and features, the features split at ";"."""
    for number, line in lines:
        lemma, form, features = _split(name, number, line, ("lemma", "form", "features"))
        yield number, Example(lemma, form, split_tags(features))


def read_pairs(name: str, lines: NumberedLines) -> NumberedExamples:
    """Read lines of input and target."""
    for number, line in lines:
        source, target = _split(name, number, line, ("input", "target"))
        yield number, Example(source, target)


def read_historical(name: str, lines: NumberedLines) -> NumberedExamples:
    """Read lines of an old and a modern spelling that the usual preprocessing keeps.

    Blank lines and lines of one column have an empty side and are dropped. A third column is
    ignored, except in the first line, which has to show that the file holds pairs. At the end, one
    warning counts the lines of one column, or more than two: the published corpora have some.

    Raises:
        ExampleError: if no pair is left.
    """
    first, found = True, False
    others: list[int] = []
    for number, line in lines:
        columns = line.split("\t")
        if not line.strip():
            continue
        if first and len(columns) > 1 and not is_pair(columns):
            fail_at(name, number, f"{columns}", "an old and a modern spelling without a header")
        first = False
        if len(columns) != 2:
            others.append(number)
        example = preprocess_historical(*columns[:2]) if len(columns) > 1 else None
        if example is not None:
            found = True
            yield number, example
    if not found:
        raise ExampleError(f"{name}: expected at least one pair with words on both sides")
    if others:
        warnings.warn(
            f"{name}: lines without two columns: {len(others)}, the first is line {others[0]}; "
            "those without a tab are dropped, further columns are ignored",
            stacklevel=2,
        )


def _split(name: str, number: int, line: str, names: Sequence[str]) -> list[str]:
    columns = line.split("\t")
    if len(columns) != len(names):
        expected = f"{len(names)} columns as in line 1: {', '.join(names)}"
        fail_at(name, number, show_fields(columns), expected)
    return columns


def split_tags(features: str) -> tuple[str, ...]:
    """Split features such as "V;PST".

    >>> split_tags("V;PST")
    ('V', 'PST')
    """
    return tuple(tag for tag in features.split(";") if tag)
