"""Run what is missing, each cell in a process of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import IO

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


def run_missing(
    cells: Iterable[Cell],
    output: Path,
    command: Callable[[Cell], Sequence[str]],
    logs: Path,
    hours: float = float("inf"),
) -> list[Cell]:
    """Run the cells that have no record yet, one after the other.

    A cell that fails, or is killed, loses nothing but itself; it is run anew the next time.

    Args:
        cells: In the order in which to run them.
        output: Folder of the records.
        command: Makes the command that runs a cell and writes its record.
        logs: Folder for what each cell prints.
        hours: No cell is begun after so many.

    Returns:
        The cells that were begun and left no record.
    """
    end = time.monotonic() + 3600 * hours
    failed = []
    for cell in cells:
        if record_path(output, cell).is_file():
            continue
        if time.monotonic() >= end:
            print(f"stopped after {hours:g} h, before {cell.name}", file=sys.stderr, flush=True)
            break
        log = logs / f"{cell.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with log.open("a", encoding="utf-8") as file:
            code = _run_to_its_end(command(cell), file)
        through = record_path(output, cell).is_file()
        said = "done" if through else f"failed with status {code}, see {log}"
        spent = time.monotonic() - start
        print(f"{cell.name}: {said} ({spent:.0f} s)", file=sys.stderr, flush=True)
        if not through:
            failed.append(cell)
    return failed


def _run_to_its_end(command: Sequence[str], output: IO[str]) -> int:
    """Run a command; if this process is told to end, so is it."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with subprocess.Popen(command, stdout=output, stderr=output) as child:
            try:
                return child.wait()
            finally:
                child.terminate()
    finally:
        signal.signal(signal.SIGTERM, before)
