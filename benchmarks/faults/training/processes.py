"""Several processes compared with one: training on the same batches, and ``predict``."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch_geometric.data import Data

from benchmarks.checkout import ROOT
from benchmarks.faults.fuzzing.reader import predict_file, save
from benchmarks.faults.fuzzing.record_readers import records_model
from benchmarks.faults.outcome import Outcome, add_up, attempt
from benchmarks.faults.training.run_ends import differences
from benchmarks.faults.training.runs import PATIENCE, TASKS, newest, train
from lightning_modules import PartitionModule, TrackEvents, write_graphs
from lightning_modules.datamodules.track_events import EventOptions
from lightning_modules.modules.records import predict as records_predict
from pyg_grapheme.nn import PartitionLoss
from pyg_grapheme.text import GraphPair

BATCH = 8
"""Examples per step, of all processes."""

TRAINED, VALIDATED = 13, 7
"""Examples, whose shares are not equal: in the last step, some processes have one fewer."""

WORLDS = (2, 4)

TOLERANCE = 1e-6
"""Of sums of float64 that are added up in another order."""


class PooledPartitionModule(PartitionModule):
    """A partition model whose loss and scores are those of all graphs together."""

    pooled_scores = True

    def setup(self, stage: str) -> None:
        """Pool the loss of a batch."""
        super().setup(stage)
        self.score_loss = PartitionLoss("double_majority", pooled=True, **self.counted)


WITHOUT_EDGES = "all graphs of a process are without edges"


class EdgeLog(Callback):
    """Print when all graphs that a process gets for a step are without edges."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Data | GraphPair, batch_idx: int
    ) -> None:
        """Look at the edges."""
        graphs = batch if isinstance(batch, Data) else batch.source
        if graphs.edge_index.size(1) == 0:
            print(WITHOUT_EDGES, flush=True)


def text_options(folder: Path) -> list[str]:
    """Return the options of a text model without dropout; every second text has no edges."""
    words = (folder / "pairs.tsv").read_text().splitlines(keepends=True)
    letters = [f"{letter}\t{letter}s\n" for letter in "abcefhm"]
    texts = [text for pair in zip(letters, words, strict=False) for text in pair]
    for name, number in (("train", TRAINED), ("val", VALIDATED)):
        (folder / f"{name}.tsv").write_text("".join(texts[:number]))
    files = [f"--data.{name}={folder / name}.tsv" for name in ("train", "val")]
    return [*files, "--model.dropout=0"]


def partition_options(folder: Path) -> list[str]:
    """Return the options of a partition model; every second event has no edges."""
    events = [
        event if index % 2 else _without_edges(event)
        for index, event in enumerate(TrackEvents(TRAINED, 3, EventOptions(num_tracks=4)))
    ]
    for name, number in (("train", TRAINED), ("val", VALIDATED)):
        write_graphs(folder / f"{name}.npz", events[:number])
    test = json.dumps({"test": str(folder / "val.npz")})
    files = [f"--data.{name}={folder / name}.npz" for name in ("train", "val")]
    return [*files, f"--data.test={test}"]


def _without_edges(event: Data) -> Data:
    empty = torch.empty(2, 0, dtype=torch.long)
    return Data(
        x=event.x, edge_index=empty, edge_attr=event.edge_attr[:0], y=event.y, pos=event.pos
    )


def pool(options: list[str], folder: Path) -> list[str]:
    """Return the options of a run with the pooled model in place of its own."""
    config = next(option.removeprefix("--config=") for option in options if "--config=" in option)
    own, pooled = f"{__name__}.{PooledPartitionModule.__name__}", folder / "pooled.yaml"
    text = Path(config).read_text().replace("lightning_modules.PartitionModule", own)
    pooled.write_text(text)
    return [f"--config={pooled}", *(option for option in options if "--config=" not in option)]


MODELS = ("text", "partition", "pooled partition")


def train_in_processes(model: str, folder: Path, worlds: Sequence[int] = WORLDS) -> Outcome:
    """Train a model in one process, and in several, in float64.

    The last batch of an epoch is smaller, graphs without edges are all that some processes get in
    some steps, and the examples are not shared out evenly, in training and in validation. Several
    processes survive if they end with the weights, the optimizer, the curves and the scores of one.
    """
    task = model.removeprefix("pooled ")
    options = [
        *TASKS[task](folder),
        *(text_options if task == "text" else partition_options)(folder),
        *("--trainer.precision=64-true", "--trainer.accelerator=cpu"),
        f"--trainer.callbacks+={__name__}.{EdgeLog.__name__}",
    ]
    options = options if model == task else pool(options, folder)
    one = train([*options, f"--data.batch_size={BATCH}"], folder / "1")
    return add_up(
        attempt(f"{model}, {world} processes", partial(_train_in, world, options, one, folder))
        for world in worlds
    )


def _train_in(world: int, options: list[str], one: Path, folder: Path) -> list[str]:
    output = folder / str(world)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "lightning_modules.fit", *options),
            *(f"--trainer.devices={world}", "--trainer.strategy=ddp"),
            *(f"--data.batch_size={BATCH // world}", f"--output={output}"),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode:
        return [done.stderr[-300:]]
    found = differences(one, newest(output), TOLERANCE)
    return found if WITHOUT_EDGES in done.stdout else [*found, f"in no step, {WITHOUT_EDGES}"]


def predict_in_processes(folder: Path, jobs: Sequence[int] = WORLDS) -> Outcome:
    """Cluster records by one process, and by several.

    Several processes survive if they write what one writes, each record once and in order.
    """
    table = folder / "records.csv"
    ids = [f"r{7 * row % 60}" for row in range(60)]
    cities = ["Rome", "Oslo", "Lima", "Bonn", "Nice", "Kiel"]
    rows = (
        f"{id_},e{int(id_[1:]) // 2},{'Ann' if index % 2 else 'Bo'} Lee {id_},{cities[index % 6]}\n"
        for index, id_ in enumerate(ids)
    )
    table.write_text("id,person,name,city\n" + "".join(rows))
    checkpoint = save(records_model(table, ["city"]), folder / "records.ckpt")
    command = [f"--ckpt_path={checkpoint}", str(table), "--id=id"]

    def cluster(number: int) -> str:
        # Six groups of blocks, not one.
        with mock.patch.object(records_predict, "GROUP", 10):
            return predict_file(folder / "clusters.csv", [*command, f"--jobs={number}"])

    one = cluster(1)

    def compare(number: int) -> list[str]:
        written = cluster(number)
        found = [] if written == one else ["it writes something else"]
        in_order = [line.split(",")[0] for line in written.splitlines()[1:]] == ids
        return found if in_order else [*found, "it does not write each record once and in order"]

    return add_up(attempt(f"{number} processes", partial(compare, number)) for number in jobs)
