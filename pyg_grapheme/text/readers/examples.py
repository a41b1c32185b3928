"""An example of a text task."""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias


class Example(NamedTuple):
    """One line of a task: a text, its target, and tags."""

    source: str
    target: str
    tags: tuple[str, ...] = ()


NumberedExamples: TypeAlias = Iterator[tuple[int, Example]]
"""Examples, each with the number of its first line."""

NumberedLines: TypeAlias = Iterator[tuple[int, str]]
"""Lines of a file without their ends, numbered from 1."""
