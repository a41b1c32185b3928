"""Lines of files, read by the standard library alone.

The naive readers share no code with the package.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any


class RefusedError(Exception):
    """What has to be refused.

    Args:
        numbers: The line, or the record, that the message has to name; none if it is not known.
    """

    def __init__(self, *numbers: int) -> None:
        super().__init__(*numbers)
        self.numbers = numbers


def decode_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text in UTF-8, with their ends and numbers, without a byte order mark.

    Raises:
        RefusedError: at a line that is not UTF-8.
    """
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise RefusedError(number) from error
        yield number, text + "\n"


def text_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file of examples with their numbers, without blank ones at its end."""
    lines = []
    for number, line in decode_lines(data):
        if "\0" in line:
            raise RefusedError(number)
        lines.append(line.rstrip("\n").rstrip("\r"))
    while lines and not lines[-1]:
        lines.pop()
    if not "".join(lines).strip():
        raise RefusedError
    for number, line in enumerate(lines, 1):
        if "\r" in line:
            raise RefusedError(number)
        yield number, line


def compose(text: str) -> str:
    """Return a text in the form NFC."""
    return unicodedata.normalize("NFC", text)


def is_text(value: object) -> bool:
    """Return whether a value is a text that can be written as UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def json_object(number: int, line: str) -> dict[str, Any]:
    """Read a line as an object whose names are distinct."""

    def distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise RefusedError(number)
        return dict(pairs)

    try:
        record = json.loads(line, object_pairs_hook=distinct)
    except (ValueError, RecursionError) as error:
        raise RefusedError(number) from error
    if not isinstance(record, dict):
        raise RefusedError(number)
    return record
