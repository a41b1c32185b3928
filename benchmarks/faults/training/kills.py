"""Runs that are killed at random moments and resumed, compared with one that never was."""

import os
import shutil
import signal
import time
from collections.abc import Mapping
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

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

    Every other signal is sent while a checkpoint is being written, the others at any time. The
    moment depends on the seed, the signal, the number of the kill, and the time that a run takes.
    """
    options = TASKS[task](folder)
    warm_up()
    begin = time.monotonic()
    whole = train(options, folder / "whole")
    seconds = time.monotonic() - begin
    outcomes = []
    for sent, index in [(sent, i) for sent, number in kills.items() for i in range(number)]:
        case = f"{seed}/{sent.name}/{index}"
        rng, killed = Random(case), folder / "killed"
        while True:
            moment = None if index % 2 else rng.uniform(0.1, 1.0) * seconds
            when = "while writing" if moment is None else f"after {moment:.2f} s"
            process = start(options, killed)
            is_sent = send(process, sent, killed, moment, rng)
            if is_sent:
                end = partial(wrong_end, process, sent, killed)
                outcomes.append(survive(f"{task} {case}, {when}", options, killed, whole, end))
            shutil.rmtree(killed)
            log_of(killed).unlink(missing_ok=True)
            if is_sent:
                break  # Else the run has ended before, and another moment is drawn.
    return add_up(outcomes)


def send(
    process: BaseProcess,
    sent: signal.Signals,
    folder: Path,
    moment: float | None,
    rng: Random,
) -> bool:
    """Send a signal at a moment, or while a checkpoint is written.

    Returns:
        Whether the run had not ended before.
    """
    begin, writes = time.monotonic(), rng.randrange(5)
    while process.is_alive():
        time.sleep(0.001)
        if moment is None:
            # The file is there for some milliseconds each time.
            due = any(folder.glob("*/*/checkpoints/*.part"))
            if due and writes:
                writes -= 1
                due = False
                time.sleep(0.01)
        else:
            due = time.monotonic() - begin > moment
        if due and process.pid is not None:
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
    parts = [] if status < 0 else [path.name for path in folder.rglob("*.part")]
    return [f"half-written files: {parts}"] if parts else []
