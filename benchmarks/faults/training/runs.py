"""Short training runs in processes of their own."""

import json
import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from lightning_modules import TrackEvents, fit, write_graphs
from lightning_modules.cli import config_folder
from lightning_modules.datamodules.track_events import EventOptions

PATIENCE = 600.0
"""Seconds after which a run counts as hanging."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["lightning_modules.fit", "lightning_modules.cli", "matplotlib.figure"]
)

EPOCHS = 8

COMMON = (
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.check_val_every_n_epoch=2",
    f"--trainer.max_epochs={EPOCHS}",
    "--trainer.log_every_n_steps=1",
    "--model.layers=1",
    "--trainer.callbacks+=benchmarks.faults.training.runs.EpochLog",
    "--ckpt_path=last",
)


class EpochLog(Callback):
    """Print the number of each epoch that is trained: a run that goes on leaves out the first."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the number of the epoch."""
        print(f"epoch {trainer.current_epoch}", flush=True)


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


def records_options(folder: Path) -> list[str]:
    """Return the options of a run of a records model."""
    path = folder / "records.csv"
    names = ("Ann Lee", "Bo Stone", "Eva G\u00fcl", "Dan Li", "Cleo Okafor")
    rows = (f"r{n},e{n // 2},{names[n // 2 % 5]} {n // 2},{1950 + n}\n" for n in range(60))
    path.write_text("id,person,name,year\n" + "".join(rows), encoding="utf-8")
    return [
        f"--config={config_folder() / 'records.yaml'}",
        f"--data.records={path}",
        "--data.cluster=person",
        "--data.id=id",
        "--data.repeats=1",
        "--model.channels=8",
        "--trainer.accelerator=cpu",
        *COMMON,
    ]


TASKS: dict[str, Callable[[Path], list[str]]] = {
    "text": text_options,
    "partition": partition_options,
    "records": records_options,
}


def log_of(folder: Path) -> Path:
    """Return the file that the runs in a folder print into; the disk of the folder may be full."""
    return folder.with_name(f"{folder.name}.log")


def read_log(folder: Path) -> str:
    """Return what the runs in a folder have printed; nothing if they ended before they could."""
    path = log_of(folder)
    return path.read_text() if path.exists() else ""


def trained_epochs(log: str) -> list[int]:
    """Return the epochs that a run says it has begun."""
    return [int(number) for number in re.findall(r"^epoch (\d+)$", log, re.MULTILINE)]


def start(
    options: list[str], folder: Path, prepare: Callable[[], None] | None = None
) -> BaseProcess:
    """Start ``fit`` in a process of its own, which first calls ``prepare``."""
    folder.mkdir(parents=True, exist_ok=True)
    process = PROCESSES.Process(
        target=_fit, args=([*options, f"--output={folder}"], log_of(folder), prepare)
    )
    process.start()
    return process


def warm_up() -> None:
    """Let the server import what runs need, for which the first one would have to wait."""
    process = PROCESSES.Process(target=int)
    process.start()
    process.join()


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
        raise RuntimeError(f"Expected a run to succeed (got {read_log(folder)[-300:]!r})")
    return newest(folder)


def newest(folder: Path) -> Path:
    """Return the last run in a folder."""
    return max(folder.glob("*/version_*"), key=lambda path: int(path.name.split("_")[1]))


def _fit(options: list[str], log: Path, prepare: Callable[[], None] | None) -> None:
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    if prepare is not None:
        prepare()
    fit.main(options)
