"""Training in several processes, compared with one process on the same batches."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import PATIENCE, TASKS, differences, newest, train

BATCH = 4
"""Examples per step, of all processes."""

WORLDS = (2, 4)

TOLERANCE = 1e-6
"""Of sums of float64 that are added up in another order."""


def train_in_processes(task: str, folder: Path) -> Outcome:
    """Train a task in one process, in two and in four, without dropout, in float64.

    Several processes survive if they end with the weights, the curves and the scores of one.
    """
    options = [
        *TASKS[task](folder),
        "--trainer.precision=64-true",
        "--trainer.accelerator=cpu",
        *(["--model.dropout=0"] if task == "text" else []),
    ]
    one = train([*options, f"--data.batch_size={BATCH}"], folder / "1")
    outcomes = []
    for world in WORLDS:
        output = folder / str(world)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "lightning_modules.fit", *options),
                *(f"--trainer.devices={world}", "--trainer.strategy=ddp"),
                *(f"--data.batch_size={BATCH // world}", f"--output={output}"),
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        found = [done.stderr[-300:]] if done.returncode else []
        found = found or differences(one, newest(output), TOLERANCE)
        outcomes.append(
            Outcome(1, not found, 0, [f"{task}, {world} processes: {text}" for text in found])
        )
    return add_up(outcomes)
