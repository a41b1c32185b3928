"""Examples as JSON lines: questions with answers, and maths problems."""

import json
import math
from typing import Any

from pyg_grapheme.distinct_names import distinct_names
from pyg_grapheme.text.readers.example_error import fail_at, shorten, show_fields
from pyg_grapheme.text.readers.examples import Example, NumberedExamples, NumberedLines

Record = dict[str, Any]


def is_question(record: Record) -> bool:
    """Return whether an object has the fields of a question and its answer."""
    return {"input", "target"} <= record.keys()


def is_maths(record: Record) -> bool:
    """Return whether an object has the fields of a maths problem."""
    answers = {"expected_result", "expected_symbolic"}
    return "input_polish" in record and bool(answers & record.keys())


def read_questions(name: str, lines: NumberedLines) -> NumberedExamples:
    """Read objects with ``input`` and ``target``."""
    for number, line in lines:
        record = json_object(name, number, line)
        if not is_question(record):
            fail_at(name, number, show_fields(sorted(record)), "'input' and 'target'")
        source, target = (_text_field(name, number, record, k) for k in ("input", "target"))
        yield number, Example(source, target)


def read_maths(name: str, lines: NumberedLines) -> NumberedExamples:
    """Read objects with ``input_polish`` and an answer, a symbolic one or a number."""
    for number, line in lines:
        record = json_object(name, number, line)
        if "input_polish" not in record:
            fail_at(name, number, show_fields(sorted(record)), "'input_polish'")
        source = _text_field(name, number, record, "input_polish")
        if record.get("expected_symbolic") not in (None, ""):
            yield number, Example(source, _text_field(name, number, record, "expected_symbolic"))
        elif record.get("expected_result") is not None:
            yield number, Example(source, _number_field(name, number, record, "expected_result"))
        else:
            given = sorted(key for key in record if record[key] not in (None, ""))
            answers = "'expected_result' or 'expected_symbolic'"
            fail_at(name, number, show_fields(given), answers)


def json_object(name: str, number: int, line: str) -> Record:
    """Read a line as an object.

    Raises:
        ExampleError: if it is not an object, or a name is repeated.
    """
    try:
        record = json.loads(line, object_pairs_hook=distinct_names)
    except (ValueError, RecursionError) as error:
        fail_at(name, number, f"{shorten(line)!r}, which is not JSON ({error})", "a JSON object")
    if not isinstance(record, dict):
        fail_at(name, number, f"{shorten(line)!r}", "a JSON object")
    return record


def format_number(value: float) -> str:
    """Return a number as an answer: 25.0 as "25", 2.5 as "2.5"."""
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _text_field(name: str, number: int, record: Record, field: str) -> str:
    value = record[field]
    if not isinstance(value, str):
        fail_at(name, number, f"{value!r} in field '{field}'", "a text there")
    try:
        value.encode()
    except UnicodeEncodeError:
        fail_at(name, number, f"{value!r} in field '{field}'", "a text without lone surrogates")
    return value


def _number_field(name: str, number: int, record: Record, field: str) -> str:
    value = record[field]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (isinstance(value, float) and not math.isfinite(value)):
        fail_at(name, number, f"{value!r} in field '{field}'", "a finite number there")
    return format_number(value)
