"""Short training runs in processes of their own, and in what the ends of two runs differ."""

import contextlib
import csv
import json
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


def differences(whole: Path, resumed: Path) -> list[str]:
    """Return in what the ends of two runs differ."""
    found = []
    for name in ("model", "last"):
        first, second = (
            read_checkpoint(run / "checkpoints" / f"{name}.ckpt") for run in (whole, resumed)
        )
        found += [
            f"{name}.ckpt: {key}"
            for key, value in first["state_dict"].items()
            if not torch.equal(value, second["state_dict"][key])
        ]
    for read in (read_curves, read_scores):
        first, second = read(whole), read(resumed)
        found += [
            f"{key}: {first.get(key)}, {second.get(key)}"
            for key in first.keys() | second.keys()
            if first.get(key) != second.get(key)
        ]
    names = {path.name for path in whole.rglob("*")}
    return found + [
        f"left over: {path.name}" for path in resumed.rglob("*") if path.name not in names
    ]


def read_curves(run: Path) -> dict[str, Any]:
    """Read all logged values, by name and step."""
    with (run / "metrics.csv").open(newline="") as file:
        return {
            f"{name} at {row['step']}": value
            for row in csv.DictReader(file)
            for name, value in row.items()
            if value
        }


def read_scores(run: Path) -> dict[str, Any]:
    """Read what the summary says, times aside."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    with contextlib.suppress(KeyError):
        for name in ("seconds", "validation_seconds", "examples_per_second"):
            del summary[name]
    return summary
