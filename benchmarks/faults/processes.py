"""Training in several processes, compared with one process on the same batches."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import TASKS, newest, read_curves, read_scores
from lightning_modules.run.checkpoint import read_checkpoint

BATCH = 4
"""Examples per step, of all processes."""

WORLDS = (2, 4)

SCORES = {"text": "splits", "partition": "scores"}
"""Names of the scores in the summary of a run."""

TOLERANCE = 1e-6
"""Of sums of float64 that are added up in another order."""

PATIENCE = 600.0


def train_in_processes(task: str, folder: Path) -> Outcome:
    """Train a task in one process, in two and in four, without dropout, in float64.

    Several processes survive if they end with the weights, the curves and the scores of one.
    """
    options = [o for o in TASKS[task](folder) if not o.startswith(("--data.batch_size", "--ckpt"))]
    options.append("--trainer.precision=64-true")
    if task == "text":
        options.append("--model.dropout=0")
    outcomes = []
    for world in (1, *WORLDS):
        strategy = [f"--trainer.devices={world}", "--trainer.strategy=ddp"] if world > 1 else []
        size = f"--data.batch_size={BATCH // world}"
        output = folder / str(world)
        command = [sys.executable, "-m", "lightning_modules.fit", *options, *strategy, size]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, "--trainer.accelerator=cpu", f"--output={output}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        found = [done.stderr[-300:]] if done.returncode else []
        if world == 1 and found:
            return Outcome(1, 0, 0, [f"{task}: {found[0]}"])
        if world > 1:
            found = found or different(task, newest(folder / "1"), newest(output))
            outcomes.append(
                Outcome(1, not found, 0, [f"{task}, {world} processes: {text}" for text in found])
            )
    return add_up(outcomes)


def different(task: str, one: Path, several: Path) -> list[str]:
    """Return in what the ends of two runs differ by more than the order of sums."""
    weights, others = (
        read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"] for run in (one, several)
    )
    found = [
        f"{name}: {(value - others[name]).abs().max():.2g}"
        for name, value in weights.items()
        if not torch.allclose(value.double(), others[name].double(), TOLERANCE, TOLERANCE)
    ]
    first, second = read_curves(one), read_curves(several)
    found += [
        f"{name}: {first.get(name)}, {second.get(name)}"
        for name in first.keys() | second.keys()
        if name not in first or name not in second or not near(first[name], second[name])
    ]
    scores = [read_scores(run)[SCORES[task]] for run in (one, several)]
    return found + ([f"scores: {scores}"] if not same(*scores) else [])


def near(first: str, second: str) -> bool:
    """Return whether two logged values are equal up to the order of sums."""
    a, b = float(first), float(second)
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a)) or (a != a and b != b)


def same(first: object, second: object) -> bool:
    """Return whether nested scores are equal up to the order of sums."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, float) and isinstance(second, float):
        return near(str(first), str(second))
    return first == second
