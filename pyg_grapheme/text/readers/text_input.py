"""UTF-8 text from a file or from standard input; errors name the line."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pyg_grapheme.named_errors import name_errors
from pyg_grapheme.text.readers.example_error import ExampleError, fail_at
from pyg_grapheme.typing import PathLikeStr

STANDARD_INPUT = "-"
"""The path that means standard input."""


class TextInput(NamedTuple):
    """An open input.

    Attributes:
        name: Its name in messages.
        lines: Its lines with their ends, decoded one by one.
    """

    name: str
    lines: Iterator[str]


@contextmanager
def open_text(path: PathLikeStr) -> Iterator[TextInput]:
    """Open a file of UTF-8 text, or standard input for "-".

    A byte order mark is not part of the text. Lines end at line feeds only. They are yielded as
    they arrive, so a slow pipe works.

    Raises:
        FileNotFoundError: if there is no such file.
        ExampleError: if it is a directory; from ``lines``, at a line that is not UTF-8 or holds a
            NUL byte, after the lines before it were yielded.
    """
    name = os.fspath(path)
    if name == STANDARD_INPUT:
        name = "standard input"
    elif Path(path).is_dir():
        raise ExampleError(f"{path}: expected a file (got a directory)")
    elif not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file")
    with _open_binary(path) as stream:
        yield TextInput(name, _decode(name, _read(name, stream)))


def read_text(path: PathLikeStr) -> tuple[str, str]:
    """Return the name of an input and its whole text.

    Raises:
        FileNotFoundError: if there is no such file.
        ExampleError: if it is a directory, not UTF-8, or empty.
    """
    with open_text(path) as (name, lines):
        text = "".join(lines)
    if not text.strip():
        raise ExampleError(f"{name}: expected at least one example (got an empty file)")
    return name, text


def _open_binary(path: PathLikeStr) -> BinaryIO | nullcontext[BinaryIO]:
    # Standard input belongs to the caller and stays open.
    if os.fspath(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise ExampleError("Expected a standard input (got none: it is closed)")
        return nullcontext(sys.stdin.buffer)
    return Path(path).open("rb")


def _read(name: str, stream: Iterable[bytes]) -> Iterator[bytes]:
    with name_errors(name):
        yield from stream


def _decode(name: str, stream: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(stream, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            # The codec counts from after a byte order mark.
            byte = error.object[error.start]
            found = f"byte 0x{byte:02x}, which is not UTF-8"
            fail_at(name, number, found, "a text file in UTF-8")
        if "\0" in line:
            fail_at(name, number, "a NUL byte, as in a binary file", "a text file in UTF-8")
        yield line
