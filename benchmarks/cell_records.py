"""The cells of tables: which to run, and their records, a JSON line each."""

import argparse
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyg_grapheme.atomic_write import atomic_write


class Named(Protocol):
    """A cell, by the name of which users choose it and records are found."""

    @property
    def name(self) -> str:
        """The name; its parts are separated by "/"."""


Cell = TypeVar("Cell", bound=Named)


def choose(cells: Iterable[Cell], patterns: Sequence[str], option: str) -> list[Cell]:
    """Return the cells whose names match one of the patterns, all cells if there is none.

    ``*`` in a pattern stands for anything, "/" included; a pattern may be the beginning of a name.

    Args:
        cells: The cells.
        patterns: The patterns.
        option: Name of the option that gave them, for the error.

    Raises:
        ValueError: if a pattern matches no cell.
    """
    cells = list(cells)
    matched = [{c for c in cells if fnmatch(c.name, f"{pattern}*")} for pattern in patterns]
    for pattern, found in zip(patterns, matched, strict=True):
        if not found:
            raise ValueError(f"Expected '{option}' to fit the name of a cell (got {pattern!r})")
    return [cell for cell in cells if not patterns or any(cell in found for found in matched)]


def add_cell_options(parser: argparse.ArgumentParser, output: Path) -> None:
    """Add the options that say which cells to run, for how long, and where the tables go."""
    add = parser.add_argument
    add("--cells", nargs="+", default=[], metavar="PATTERN", help="names of cells; * is anything")
    add("--output", type=Path, default=output, help="file of the tables")
    add("--hours", type=float, default=12.0, help="time after which no cell is started")


def choose_or_exit(cells: Iterable[Cell], options: argparse.Namespace) -> list[Cell]:
    """Return the cells of ``--cells``; end the process if a pattern matches none."""
    try:
        return choose(cells, options.cells, "--cells")
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error


Fields = dict[str, Any]
"""The fields of a line; "cell" is the name of the cell."""


def update_lines(path: Path, changes: Mapping[str, Fields | None]) -> None:
    """Replace, add or remove (None) lines by the name of their cell.

    The file is replaced as a whole, so a process that is killed leaves no part of a line; a lock on
    the folder keeps other processes from writing at the same time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path.parent):
        lines = {**read_lines(path), **changes}
        with atomic_write(path) as file:
            for _, fields in sorted(lines.items()):
                if fields is not None:
                    file.write(json.dumps(fields, ensure_ascii=False) + "\n")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; it is released when the process ends, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> dict[str, Fields]:
    """Read the lines of a file by the name of their cell; none if there is no file.

    Raises:
        ValueError: if a line is not the record of a cell; it names file and line.
    """
    lines = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                try:
                    fields = json.loads(line)
                    lines[fields["cell"]] = fields
                except (json.JSONDecodeError, KeyError, TypeError) as error:
                    raise ValueError(
                        f"{path}:{number}: Expected the record of a cell (got {line[:40]!r})"
                    ) from error
    return lines
