"""Errors of files that cannot be read as examples."""

from collections.abc import Sequence
from typing import NoReturn

_FORMATS = (
    "questions and answers (JSONL objects with 'input' and 'target', or TSV or CSV with a header "
    "that names these columns), maths problems (JSONL objects with 'input_polish' and "
    "'expected_result' or 'expected_symbolic'), inflections (TSV without a header: lemma, form, "
    "features) or pairs (TSV without a header: input, target)"
)


class ExampleError(ValueError):
    """A file that cannot be read as examples; the message names file, line and fields."""


def fail_at(name: str, line: int, found: str, expected: str) -> NoReturn:
    """Refuse a line of the input called ``name``.

    Raises:
        ExampleError: always.
    """
    raise ExampleError(f"{name}, line {line}: expected {expected} (got {found})")


def fail_format(name: str, line: int, fields: Sequence[str]) -> NoReturn:
    """Refuse a line whose fields fit no format.

    Raises:
        ExampleError: always.
    """
    fail_at(name, line, show_fields(fields), _FORMATS)


def show_fields(fields: Sequence[str]) -> str:
    """Write the fields of a line, for messages."""
    if list(fields) == [""]:
        return "an empty line"
    return f"{len(fields)} field(s) {[shorten(field) for field in fields]}"


def shorten(text: str, length: int = 60) -> str:
    """Return a text, cut to a length for messages."""
    return text if len(text) <= length else text[: length - 1] + "…"
