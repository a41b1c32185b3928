"""Examples of a text task, and the file formats they come in."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pyg_grapheme.typing import PathLikeStr


class Example(NamedTuple):
    """One line of a task: a text, what it is to become, and tags that say how."""

    source: str
    target: str
    tags: tuple[str, ...] = ()


class ExampleError(ValueError):
    """A file that can't be read as examples; the message names file, line and fields."""


EXPECTED_FIELDS = """\
  question/answer:   JSONL objects with 'input' and 'target', or TSV or CSV with a header that
                     names these columns
  maths curriculum:  JSONL objects with 'input_polish' and 'expected_result' or 'expected_symbolic'
  inflection:        TSV of three columns without a header: lemma, form, features"""


def read_examples(path: PathLikeStr) -> list[Example]:
    """Read a file of examples; its first line tells the format.

    Every line must fit the format of the first: none is skipped. Empty lines are tolerated
    at the end of the file alone.

    Args:
        path: A UTF-8 file in one of the formats

            * question/answer: JSONL objects, or a TSV or CSV file with a header, with ``input`` and
              ``target``; further fields are ignored,
            * maths curriculum: JSONL objects with ``input_polish``, ``expected_result``,
              ``expected_symbolic``; the answer is the symbolic one where there is one, else the
              result as text (25.0 as "25"),
            * inflection: three tab-separated columns without a header, lemma, form and features;
              the features, split at ";", become tags.

    Raises:
        FileNotFoundError: if there is no such file.
        ExampleError: if a line does not fit, with the file, the line, what was found and what each
            format expects.
    """
    return [example for _, example in _read_numbered(Path(path))]


def format_number(value: float) -> str:
    """Write a number as an answer: 25.0 as "25", 2.5 as "2.5"."""
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _read_numbered(path: Path) -> Iterator[tuple[int, Example]]:
    text = _read_text(path)
    reader = _detect(path, text)
    found = False
    for line, example in reader(path, text):
        if not example.source:
            _fail(path, line, "an empty input text", "at least one character to rewrite")
        found = True
        yield line, example
    if not found:
        _fail(path, 2, "a header and nothing below it", "at least one example")


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise ExampleError(f"{path}: expected a file (got a directory)")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x}, which is not UTF-8"
        _fail(path, line, found, "a text file in UTF-8")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        _fail(path, line, "a NUL byte, as in a binary file", "a text file in UTF-8")
    if not text.strip():
        raise ExampleError(f"{path}: expected at least one example (got an empty file)")
    return text.rstrip("\r\n")


_HEADER_NAMES = {"answer", "features", "feats", "id", "input", "label", "tags", "target", "output"}
"""What the third column of an inflection file would only be called in a header, which it lacks."""

_Reader = Callable[[Path, str], Iterator[tuple[int, Example]]]


def _detect(path: Path, text: str) -> _Reader:
    first = text.split("\n", 1)[0].rstrip("\r")
    if first.lstrip().startswith("{"):
        fields = set(_json_object(path, 1, first))
        if {"input", "target"} <= fields:
            return _read_question_jsonl
        if "input_polish" in fields and fields & {"expected_result", "expected_symbolic"}:
            return _read_maths_jsonl
        _fail_format(path, 1, sorted(fields))
    for delimiter in "\t,":
        # Quotes need no care here: names that need them are not ours.
        if {"input", "target"} <= {name.strip('"') for name in first.split(delimiter)}:
            return _read_table(delimiter)
    columns = first.split("\t")
    if len(columns) != 3 or columns[2].lower() in _HEADER_NAMES:
        _fail_format(path, 1, columns)
    return _read_inflection


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.removesuffix("\r")


def _read_question_jsonl(path: Path, text: str) -> Iterator[tuple[int, Example]]:
    for number, line in _lines(text):
        record = _json_object(path, number, line)
        if not {"input", "target"} <= set(record):
            _fail_format(path, number, sorted(record))
        source, target = (_text_field(path, number, record, k) for k in ("input", "target"))
        yield number, Example(source, target)


def _read_maths_jsonl(path: Path, text: str) -> Iterator[tuple[int, Example]]:
    for number, line in _lines(text):
        record = _json_object(path, number, line)
        if "input_polish" not in record:
            _fail_format(path, number, sorted(record))
        source = _text_field(path, number, record, "input_polish")
        if record.get("expected_symbolic") not in (None, ""):
            yield number, Example(source, _text_field(path, number, record, "expected_symbolic"))
        elif record.get("expected_result") is not None:
            yield number, Example(source, _number_field(path, number, record, "expected_result"))
        else:
            _fail_format(path, number, sorted(k for k in record if record[k] not in (None, "")))


def _read_table(delimiter: str) -> _Reader:
    def read(path: Path, text: str) -> Iterator[tuple[int, Example]]:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header: list[str] = []
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                _fail(path, line, f"broken quoting ({error})", f"{len(header) or 'quoted'} columns")
            if not header:
                header = row
                source, target = header.index("input"), header.index("target")
                continue
            if len(row) != len(header):
                _fail(path, line, f"{len(row)} columns: {row}", f"{len(header)}: {header}")
            yield line, Example(row[source], row[target])

    return read


def _read_inflection(path: Path, text: str) -> Iterator[tuple[int, Example]]:
    for number, line in _lines(text):
        columns = line.split("\t")
        if len(columns) != 3:
            _fail_format(path, number, columns)
        lemma, form, features = columns
        yield number, Example(lemma, form, tuple(tag for tag in features.split(";") if tag))


def _json_object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        _fail(path, number, f"{_shorten(line)!r}, which is not JSON ({error})", "a JSON object")
    if not isinstance(record, dict):
        _fail(path, number, f"{_shorten(line)!r}", "a JSON object")
    return record


def _text_field(path: Path, number: int, record: dict[str, Any], name: str) -> str:
    value = record[name]
    if not isinstance(value, str):
        _fail(path, number, f"{value!r} in field '{name}'", "a text there")
    try:
        value.encode()
    except UnicodeEncodeError:
        _fail(path, number, f"{value!r} in field '{name}'", "a text without lone surrogates")
    return value


def _number_field(path: Path, number: int, record: dict[str, Any], name: str) -> str:
    value = record[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (isinstance(value, float) and not math.isfinite(value)):
        _fail(path, number, f"{value!r} in field '{name}'", "a finite number there")
    return format_number(value)


def _shorten(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _fail(path: Path, number: int, found: str, expected: str) -> NoReturn:
    raise ExampleError(f"{path}, line {number}: expected {expected} (got {found})")


def _fail_format(path: Path, number: int, fields: list[str]) -> NoReturn:
    shown = [_shorten(field) for field in fields]
    raise ExampleError(
        f"{path}, line {number}: found {len(shown)} field(s) {shown}; expected one of\n"
        f"{EXPECTED_FIELDS}"
    )
