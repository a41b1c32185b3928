"""Runs that are killed at random moments and resumed, compared with one that never was."""

import itertools
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.training.resuming import survive
from benchmarks.faults.training.runs import (
    TASKS,
    log_of,
    newest,
    read_log,
    start,
    train,
    wait,
    warm_up,
)

CHECKPOINTS = 9
"""Number that every run writes, at least: the last one of each epoch, and the best one."""

KILLS = {signal.SIGKILL: 50, signal.SIGTERM: 20, signal.SIGINT: 20}
"""How often each signal is sent."""

STATUS = {
    signal.SIGKILL: {-signal.SIGKILL},
    signal.SIGTERM: {-signal.SIGTERM, 128 + signal.SIGTERM},
    signal.SIGINT: {1, 128 + signal.SIGINT},
}
"""Status of a run that a signal has ended; one that the signal came too late for has 0."""


def kill_runs(task: str, kills: Mapping[signal.Signals, int], seed: int, folder: Path) -> Outcome:
    """Kill and resume runs of a task, each at one moment; see :func:`survive`.

    Every other signal is sent while a checkpoint is being written, the others at any time. Which
    checkpoint, and how much of it, depends on the seed, the signal and the number of the kill; the
    other moments depend on the time that a run takes, too.
    """
    options = TASKS[task](folder)
    warm_up()
    begin = time.monotonic()
    whole = train(options, folder / "whole")
    seconds = time.monotonic() - begin
    outcomes = []
    for sent, index in [(sent, i) for sent, number in kills.items() for i in range(number)]:
        case = f"{seed}/{sent.name}/{index}"
        rng, killed, waiting = Random(case), folder / "killed", folder / "waiting"
        while True:
            if index % 2:
                number, share = rng.randrange(CHECKPOINTS), rng.random()
                when = f"{share:.0%} of checkpoint {number} written"
                process = start(options, killed, partial(hold_write, number, share, waiting))
                is_due = waiting.exists
            else:
                delay = rng.uniform(0.1, 1.0) * seconds
                when = f"after {delay:.2f} s"
                process = start(options, killed)
                is_due = partial(is_past, time.monotonic() + delay)
            is_sent = send(process, sent, is_due)
            waiting.unlink(missing_ok=True)
            if is_sent:
                end = partial(wrong_end, process, sent, killed)
                outcomes.append(survive(f"{task} {case}, {when}", options, killed, whole, end))
            shutil.rmtree(killed)
            log_of(killed).unlink(missing_ok=True)
            if is_sent:
                break  # Else the run has ended before, and another moment is drawn.
    return add_up(outcomes)


def is_past(moment: float) -> bool:
    """Return whether a moment of the monotonic clock is over."""
    return time.monotonic() > moment


def hold_write(number: int, share: float, waiting: Path) -> None:
    """Let this process wait in the middle of a checkpoint that it writes.

    Args:
        number: Of the checkpoint, from 0.
        share: Of the file that is written by then.
        waiting: A file that is there while the process waits; it goes on when the file is removed.
    """
    write, written = TorchCheckpointIO.save_checkpoint, itertools.count()

    def write_and_wait(
        self: TorchCheckpointIO, checkpoint: dict[str, Any], path: Path, *options: Any
    ) -> None:
        write(self, checkpoint, path, *options)
        if next(written) == number:
            content = path.read_bytes()
            path.write_bytes(content[: int(share * len(content))])
            waiting.touch()
            while waiting.exists():
                time.sleep(0.001)
            path.write_bytes(content)

    TorchCheckpointIO.save_checkpoint = write_and_wait  # type: ignore[method-assign,assignment]


def send(process: BaseProcess, sent: signal.Signals, is_due: Callable[[], bool]) -> bool:
    """Send a signal when it is due; return whether the run had not ended before."""
    while process.is_alive():
        time.sleep(0.001)
        if is_due() and process.pid is not None:
            os.kill(process.pid, sent)
            return True
    return False


def wrong_end(process: BaseProcess, sent: signal.Signals, folder: Path) -> list[str]:
    """Wait for the end of a run that got a signal, and return what is wrong with it.

    A process that a signal ends at once cannot remove the file that it was writing; one that
    handles the signal has to.
    """
    status = wait(process)
    if status is None:
        return ["it hangs"]
    if status == 0 and sent != signal.SIGKILL:
        is_over = (newest(folder) / "summary.json").is_file()
        return [] if is_over else ["status 0, though the run is not over"]
    if status not in STATUS[sent]:
        return [f"status {status}: {read_log(folder)[-300:]!r}"]
    if "Traceback" in read_log(folder):
        return [f"a traceback: {read_log(folder)[-300:]!r}"]
    parts = [] if status < 0 else [path.name for path in folder.rglob("*.part")]
    return [f"half-written files: {parts}"] if parts else []
