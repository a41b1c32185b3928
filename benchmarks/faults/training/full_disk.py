"""Runs whose disk becomes full, and that are resumed when it has room again."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.training.resuming import survive
from benchmarks.faults.training.runs import TASKS, log_of, read_log, start, train, wait

ROOM = 1 << 26
"""Bytes of a disk with enough room."""


def fill_disks(task: str, number: int, folder: Path) -> Outcome:
    """Run a task on disks of growing size, of which each becomes full, then go on with more room.

    Each run has to end with one line, and is resumed; see :func:`survive`. Mounting a disk in
    memory needs the rights of an administrator.

    Raises:
        PermissionError: if a disk cannot be mounted.
    """
    options = TASKS[task](folder)
    whole, disk = train(options, folder / "whole"), folder / "disk"
    needed = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    outcomes = []
    for index in range(number):
        size = needed * (index + 1) // (number + 1)
        with mounted(disk, size):
            how = f"{task}, disk of {size} bytes"
            outcomes.append(survive(how, options, disk, whole, partial(_fill, options, disk)))
        log_of(disk).unlink(missing_ok=True)
    shutil.rmtree(disk)
    return add_up(outcomes)


def _fill(options: list[str], disk: Path) -> list[str]:
    """Run until the disk is full, make room, and return what is wrong with the end of the run."""
    status = wait(start(options, disk))
    resize(disk, ROOM)
    said = read_log(disk)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if status != 2 or len(errors) != 1 or "Traceback" in said:
        return [f"status {status}: {said[-300:]!r}"]
    parts = [path.name for path in disk.rglob("*.part")]
    return [f"half-written files: {parts}"] if parts else []


@contextmanager
def mounted(path: Path, size: int) -> Iterator[None]:
    """Mount a disk in memory."""
    path.mkdir(exist_ok=True)
    _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
    try:
        yield
    finally:
        _call("umount", path)


def resize(path: Path, size: int) -> None:
    """Change the size of a disk in memory."""
    _call("mount", "-o", f"remount,size={size}", path)


def _call(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"Expected to be allowed to {command[0]} (got {done.stderr.strip()})")
