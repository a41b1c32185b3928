"""Runs whose disk becomes full, and that are resumed when it has room again."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import TASKS, go_on, start, train, wait

ROOM = 1 << 26
"""Bytes of a disk with enough room."""


def fill_disks(task: str, number: int, folder: Path) -> Outcome:
    """Run a task on disks of growing size, of which each becomes full, then go on with more room.

    A run survives if it ends with an error, if the files that it leaves can be read, and if, with
    more room, it goes on and ends with the weights and the curves of a run that always had enough,
    bit for bit. Mounting a disk in memory needs the rights of an administrator.

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
            status = wait(start(options, disk))
            resize(disk, ROOM)
            found = go_on(options, disk, whole) if status else ["no error"]
        how = f"{task}, disk of {size} bytes"
        outcomes.append(Outcome(1, not found, 0, [f"{how}: {text}" for text in found]))
    shutil.rmtree(disk)
    return add_up(outcomes)


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
