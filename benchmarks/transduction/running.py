"""Run the cells that have no record, each in a process of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.records import read_record

_POLL_SECONDS = 0.1


class _Job(NamedTuple):
    """A cell that is running."""

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

    A cell that fails or is killed affects no other cell; the next run starts it again.

    Args:
        cells: Cells in the order in which they are started.
        output: Folder of the records.
        command: Returns the command that runs a cell and writes its record.
        logs: Folder for the output of each cell.
        hours: Time after which no cell is started.
        jobs: Number of cells that run at the same time.

    Returns:
        The cells that were started and left no record.
    """
    due = _due(cells, output, hours)
    running: list[_Job] = []
    failed: list[Cell] = []
    with _terminate_on_exit(running):
        while True:
            next_cells = islice(due, jobs - len(running))
            running.extend(_start(cell, command(cell), logs) for cell in next_cells)
            if not running:
                return failed
            ended = [job for job in running if job.process.poll() is not None]
            failed += [job.cell for job in ended if not _report(job, output)]
            running[:] = [job for job in running if job not in ended]
            time.sleep(_POLL_SECONDS)


def _due(cells: Iterable[Cell], output: Path, hours: float) -> Iterator[Cell]:
    """Yield the cells without a record until the time is over."""
    end = time.monotonic() + 3600 * hours
    for cell in cells:
        if read_record(output, cell) is not None:
            continue
        if time.monotonic() >= end:
            print(f"stopped after {hours:g} h, before {cell.name}", file=sys.stderr, flush=True)
            return
        yield cell


def _start(cell: Cell, command: Sequence[str], logs: Path) -> _Job:
    """Start a process that appends its output to the log of the cell."""
    log = logs / f"{cell.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    return _Job(cell, process, log, time.monotonic())


def _report(job: _Job, output: Path) -> bool:
    """Print how a cell ended; return whether it left a record."""
    done = read_record(output, job.cell) is not None
    failed = f"failed with status {job.process.returncode}, see {job.log}"
    line = f"{job.cell.name}: {'done' if done else failed} ({time.monotonic() - job.start:.0f} s)"
    print(line, file=sys.stderr, flush=True)
    return done


@contextmanager
def _terminate_on_exit(running: list[_Job]) -> Iterator[None]:
    """End the running cells when this process ends, also by SIGTERM."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        for job in running:
            job.process.terminate()
        for job in running:
            job.process.wait()
        signal.signal(signal.SIGTERM, before)
