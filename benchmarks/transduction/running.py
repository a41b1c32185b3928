"""Run what is missing, each cell in a process of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.records import record_path


def choose(cells: Iterable[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Keep the cells whose names fit one of the patterns, all if there is none.

    ``*`` in a pattern stands for anything, "/" included; a name may go on behind the pattern.

    Raises:
        ValueError: if a pattern fits no cell.
    """
    cells = list(cells)
    for pattern in patterns:
        if not any(fnmatch(cell.name, f"{pattern}*") for cell in cells):
            raise ValueError(f"Expected '--only' to fit the name of a cell (got {pattern!r})")
    return [
        cell
        for cell in cells
        if not patterns or any(fnmatch(cell.name, f"{pattern}*") for pattern in patterns)
    ]


class _Begun(NamedTuple):
    """A cell that is being run."""

    cell: Cell
    process: subprocess.Popen[bytes]
    log: Path
    start: float


def run_missing(
    cells: Iterable[Cell],
    output: Path,
    command: Callable[[Cell], Sequence[str]],
    logs: Path,
    hours: float = float("inf"),
    jobs: int = 1,
) -> list[Cell]:
    """Run the cells that have no record yet, in their order.

    A cell that fails, or is killed, loses nothing but itself; it is run anew the next time.

    Args:
        cells: In the order in which to begin them.
        output: Folder of the records.
        command: Makes the command that runs a cell and writes its record.
        logs: Folder for what each cell prints.
        hours: No cell is begun after so many.
        jobs: Cells that are run at a time.

    Returns:
        The cells that were begun and left no record.
    """
    due = _due(cells, output, hours)
    begun: list[_Begun] = []
    failed: list[Cell] = []
    with _ending_all(begun):
        while True:
            next_ones = islice(due, jobs - len(begun))
            begun.extend(_begin(cell, command(cell), logs) for cell in next_ones)
            if not begun:
                return failed
            ended = [one for one in begun if one.process.poll() is not None]
            failed += [one.cell for one in ended if not _say(one, output)]
            begun[:] = [one for one in begun if one not in ended]
            time.sleep(_WAIT)


_WAIT = 0.1
"""Seconds between looks at what is run."""


def _due(cells: Iterable[Cell], output: Path, hours: float) -> Iterator[Cell]:
    """Go through the cells that have no record by then, until time is up."""
    end = time.monotonic() + 3600 * hours
    for cell in cells:
        if record_path(output, cell).is_file():
            continue
        if time.monotonic() >= end:
            print(f"stopped after {hours:g} h, before {cell.name}", file=sys.stderr, flush=True)
            return
        yield cell


def _begin(cell: Cell, command: Sequence[str], logs: Path) -> _Begun:
    """Start a process that goes on writing where an earlier one of the cell has written."""
    log = logs / f"{cell.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    return _Begun(cell, process, log, time.monotonic())


def _say(ended: _Begun, output: Path) -> bool:
    """Print how a cell went and tell whether it left a record."""
    through = record_path(output, ended.cell).is_file()
    failed = f"failed with status {ended.process.returncode}, see {ended.log}"
    spent = time.monotonic() - ended.start
    said = f"{ended.cell.name}: {'done' if through else failed} ({spent:.0f} s)"
    print(said, file=sys.stderr, flush=True)
    return through


@contextmanager
def _ending_all(begun: list[_Begun]) -> Iterator[None]:
    """If this process is told to end, so is what it has begun."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        for one in begun:
            one.process.terminate()
        for one in begun:
            one.process.wait()
        signal.signal(signal.SIGTERM, before)
