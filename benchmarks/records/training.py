"""Train the model of a cell as the configuration of its table says."""

import logging
import resource
import time
import warnings
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import torch
import yaml

from benchmarks.records.cells import Cell
from benchmarks.records.prepare import write_tables
from lightning_modules import PartitionRecipe, RecordsDataModule, RecordsModule
from lightning_modules.cli import config_folder
from lightning_modules.run.epoch_seed import EpochSeed


class Prepared(NamedTuple):
    """A table as graphs, and what they cost.

    Attributes:
        data: The data module; its graphs are made.
        seconds: Process time from reading the table.
        megabytes: The largest memory of the process until then.
    """

    data: RecordsDataModule
    seconds: float
    megabytes: float


def read_config(table: str) -> dict[str, Any]:
    """Return the configuration of a table."""
    text = (config_folder() / f"{table}.yaml").read_text(encoding="utf-8")
    config: dict[str, Any] = yaml.safe_load(text)
    return config


def prepare(table: str, folder: Path, work: Path) -> Prepared:
    """Make the graphs of a table.

    Args:
        table: Name of the table.
        folder: Folder of the public data.
        work: Folder of the tables that are written from them.
    """
    options = read_config(table)["data"]["init_args"]
    path = folder / options["records"]
    if not path.exists():
        path = work / options["records"]
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        write_tables(folder, work)
    start = time.process_time()
    data = RecordsDataModule(**options | {"records": str(path)})
    assert data.graphs
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Prepared(data, time.process_time() - start, megabytes)


def split_by(data: RecordsDataModule, seed: int) -> RecordsDataModule:
    """Return the same graphs in another split."""
    other = copy(data)
    other.split_seed = other.seed_of_order = seed
    other.__dict__.pop("splits", None)
    return other


def train(cell: Cell, data: RecordsDataModule) -> tuple[RecordsModule, float]:
    """Train a cell, and the baseline beside it if the cell has it.

    Args:
        cell: What to train.
        data: In the split of the cell.

    Returns:
        The model, and seconds of process time.
    """
    config = read_config(cell.table)
    model = {
        **config["model"]["init_args"],
        "objective": cell.objective,
        "merge": cell.linkage,
        "threshold_by_size": cell.threshold == "by size",
        "baseline": cell.has_baseline,
    }
    L.seed_everything(cell.split, verbose=False)
    module = RecordsModule(data.in_channels, data.edge_dim, data.encoder, data.unlabelled, **model)
    trainer = L.Trainer(
        max_epochs=config["trainer"]["max_epochs"],
        callbacks=[EpochSeed(), *_callbacks(config["trainer"]["callbacks"])],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    start = time.process_time()
    trainer.fit(module, datamodule=data)
    return module.eval().requires_grad_(requires_grad=False), time.process_time() - start


def _callbacks(options: Sequence[dict[str, Any]]) -> list[L.Callback]:
    """Return the recipe of training, with its options."""
    return [PartitionRecipe(**each.get("init_args", {})) for each in options]


def begin_process() -> None:
    """Let a process of a run have one thread, and show nothing but the ends of cells."""
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
    warnings.filterwarnings("ignore", message="The '.*_dataloader' does not have many workers")
