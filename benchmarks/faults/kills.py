"""Runs that are killed at random moments and resumed, compared with one that never was."""

import itertools
import os
import random
import shutil
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import TASKS, go_on, start, train, wait

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""Signals in turn, the one that cannot be handled twice as often."""


def kill_runs(task: str, number: int, seed: int, folder: Path) -> Outcome:
    """Kill and resume runs of a task, each at one moment.

    Every other signal is sent while a checkpoint is being written, the others at any time. A run
    survives if all its files can be read after the signal, and if, resumed, it ends with the
    weights and the curves of a run that was never killed, bit for bit.
    """
    options = TASKS[task](folder)
    begin = time.monotonic()
    whole = train(options, folder / "whole")
    seconds = time.monotonic() - begin
    rng = random.Random(seed)
    outcomes: list[Outcome] = []
    for index in itertools.count():
        if len(outcomes) == number:
            break
        killed = folder / f"killed_{index}"
        moment = None if index % 2 else rng.uniform(0.1, 1.0) * seconds
        sent = SIGNALS[index // 2 % len(SIGNALS)]
        how = f"{task} {index}: {sent.name} {'while writing' if moment is None else moment}"
        process = start(options, killed)
        if not interrupt(process, sent, killed, moment, rng):
            shutil.rmtree(killed)
            continue  # It has ended before.
        found = go_on(options, killed, whole)
        outcomes.append(Outcome(1, not found, 0, [f"{how}: {text}" for text in found]))
        shutil.rmtree(killed)
    return add_up(outcomes)


def interrupt(
    process: BaseProcess,
    sent: signal.Signals,
    folder: Path,
    moment: float | None,
    rng: random.Random,
) -> bool:
    """Send a signal at a moment, or while a checkpoint is written, and wait for the end.

    Returns:
        Whether the run had not ended before.
    """
    begin, writes = time.monotonic(), rng.randrange(12)
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
            wait(process)
            return True
    return False
