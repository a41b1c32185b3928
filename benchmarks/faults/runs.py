"""Short training runs in processes of their own, and in what the ends of two runs differ."""

import csv
import json
import math
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from lightning_modules import TrackEvents, fit, write_graphs
from lightning_modules.cli import config_folder
from lightning_modules.datamodules.track_events import EventOptions
from lightning_modules.run.checkpoint import read_checkpoint

PATIENCE = 600.0
"""Seconds after which a run counts as hanging."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["lightning_modules.fit", "lightning_modules.cli"])

COMMON = (
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.check_val_every_n_epoch=2",
    "--trainer.max_epochs=8",
    "--trainer.log_every_n_steps=1",
    "--model.layers=1",
    "--ckpt_path=last",
)


def text_options(folder: Path) -> list[str]:
    """Return the options of a run of a text model that keeps the best averages of its weights."""
    path = folder / "pairs.tsv"
    words = ["cat", "car", "bus", "box", "hat", "rat", "fox", "art", "cart", "boat", "tax", "mat"]
    path.write_text("".join(f"{w}\t{w}{'es' if w[-1] in 'sx' else 's'}\n" for w in words))
    return [
        f"--config={config_folder() / 'kindergarten.yaml'}",
        *(f"--data.{name}={path}" for name in ("train", "val")),
        "--data.test={}",
        "--data.batch_size=2",
        "--model.channels=16",
        "--model.dropout=0.3",
        "--checkpoint.monitor=val/char_error_rate",
        "--trainer.callbacks+=lightning_modules.WeightAverages",
        "--trainer.callbacks.decay=0.5",
        *COMMON,
    ]


def partition_options(folder: Path) -> list[str]:
    """Return the options of a run of a partition model."""
    path = folder / "events.npz"
    write_graphs(path, TrackEvents(8, 3, EventOptions(num_tracks=4)))
    return [
        f"--config={config_folder() / 'tracks.yaml'}",
        *(f"--data.{name}={path}" for name in ("train", "val")),
        f"--data.test={json.dumps({'test': str(path)})}",
        "--data.batch_size=2",
        "--model.channels=8",
        "--trainer.accelerator=cpu",
        *COMMON,
    ]


TASKS: dict[str, Callable[[Path], list[str]]] = {
    "text": text_options,
    "partition": partition_options,
}


def start(options: list[str], folder: Path) -> BaseProcess:
    """Start ``fit`` in a process of its own, which prints into the file "log" of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    process = PROCESSES.Process(
        target=_fit, args=([*options, f"--output={folder}"], folder / "log")
    )
    process.start()
    return process


def wait(process: BaseProcess) -> int | None:
    """Wait for a process and return its status; None, and its end, if it hangs."""
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def train(options: list[str], folder: Path) -> Path:
    """Train in a process of its own, without any fault, and return the folder of the run.

    Raises:
        RuntimeError: if the run fails.
    """
    if wait(start(options, folder)) != 0:
        raise RuntimeError(f"Expected a run to succeed (got {_end_of_log(folder)!r})")
    return newest(folder)


def go_on(options: list[str], folder: Path, whole: Path) -> list[str]:
    """Resume a run that was interrupted, by the command that began it.

    Args:
        options: The options of both commands.
        folder: Where the interrupted run is.
        whole: The folder of a run that was not interrupted.

    Returns:
        What is wrong with the files of the interrupted run, that it does not resume, or in what its
        end differs from that of the other one.
    """
    if found := unreadable(folder):
        return found
    if wait(start(options, folder)) != 0:
        return [f"it does not resume: {_end_of_log(folder)}"]
    return differences(whole, newest(folder))


def _end_of_log(folder: Path) -> str:
    return (folder / "log").read_text()[-300:]


def _fit(options: list[str], log: Path) -> None:
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    fit.main(options)


def newest(folder: Path) -> Path:
    """Return the last run in a folder."""
    return max(folder.glob("*/version_*"), key=lambda path: int(path.name.split("_")[1]))


def unreadable(folder: Path) -> list[str]:
    """Return what is wrong with the files of a run, besides those that were being written."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.suffix == ".ckpt":
                read_checkpoint(path)
            elif path.suffix == ".json":
                json.loads(path.read_text())
        except ValueError as error:
            found.append(f"{path.name}: {error}")
    return found


def differences(whole: Path, other: Path, tolerance: float = 0.0) -> list[str]:
    """Return in what the ends of two runs differ.

    Args:
        whole: The folder of a run without any fault.
        other: The folder of the other one.
        tolerance: Relative and absolute difference that counts as none.
    """
    found = []
    for name in ("model", "last"):
        first, second = (
            read_checkpoint(run / "checkpoints" / f"{name}.ckpt")["state_dict"]
            for run in (whole, other)
        )
        found += [
            f"{name}.ckpt: {key}"
            for key, value in first.items()
            if not torch.allclose(value.double(), second[key].double(), tolerance, tolerance)
        ]
    for read in (read_curves, read_scores):
        first, second = read(whole), read(other)
        found += [
            f"{key}: {first.get(key)}, {second.get(key)}"
            for key in first.keys() | second.keys()
            if not _equal(first.get(key), second.get(key), tolerance)
        ]
    names = {path.name for path in whole.rglob("*")}
    return found + [
        f"left over: {path.name}" for path in other.rglob("*") if path.name not in names
    ]


def _equal(first: object, second: object, tolerance: float) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            _equal(first[key], second[key], tolerance) for key in first
        )
    if isinstance(first, float) and isinstance(second, float):
        both_nan = math.isnan(first) and math.isnan(second)
        return both_nan or math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance)
    return first == second


def read_curves(run: Path) -> dict[str, Any]:
    """Read all logged values, by name and step."""
    with (run / "metrics.csv").open(newline="") as file:
        return {
            f"{name} at {row['step']}": float(value)
            for row in csv.DictReader(file)
            for name, value in row.items()
            if value
        }


def read_scores(run: Path) -> dict[str, Any]:
    """Read what the summary says, times aside."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    times = {"seconds", "validation_seconds", "examples_per_second"}
    return {name: value for name, value in summary.items() if name not in times}
