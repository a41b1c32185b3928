"""Memory over many training steps."""

import gc
from collections.abc import Callable
from pathlib import Path

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from torch.nn import Linear
from torch_geometric.data import Batch

from benchmarks.faults.outcome import Outcome, attempt
from benchmarks.faults.own_process import call_in_own_process
from benchmarks.faults.training.runs import text_options
from lightning_modules import TrackEvents, fit
from lightning_modules.datamodules.track_events import EventOptions
from pyg_grapheme.nn import PairScorer, PartitionLoss, ThresholdMergePool
from pyg_grapheme.text import Example, PairDataset, TextUnits, Vocabulary
from pyg_grapheme.text.model import GraphTransformNet, TransformLoss

STEPS = 10_000

MEBIBYTES = 16.0
"""Growth that counts as none: over 9,000 steps, 1,864 bytes a step."""


def pool_step() -> Callable[[int], None]:
    """Return a training step of a pool through its cuts, on graphs whose size changes."""
    pool = ThresholdMergePool(0.3)
    linear = Linear(8, 8)
    optimizer = torch.optim.Adam([*pool.parameters(), *linear.parameters()], lr=1e-3)

    def step(index: int) -> None:
        nodes = 20 + index % 30
        edge_index = torch.randint(nodes, (2, 3 * nodes))
        optimizer.zero_grad()
        cuts = pool.cuts(linear(torch.randn(nodes, 8)), edge_index, max_cuts=8)
        sizes = cuts.output.batch.bincount(minlength=cuts.num_cuts).float()
        cuts.expectation(sizes).sum().backward()
        optimizer.step()

    return step


def partition_step() -> Callable[[int], None]:
    """Return a training step of a partition."""
    events = TrackEvents(50, 0, EventOptions(num_tracks=5))
    pool = ThresholdMergePool(0.5, score=PairScorer(events[0].x.size(1)), logits=True)
    loss = PartitionLoss("double_majority", unlabelled="other")
    optimizer = torch.optim.Adam(pool.parameters(), lr=1e-3)

    def step(index: int) -> None:
        batch = Batch.from_data_list([events[index % 50], events[7 * index % 50]])
        optimizer.zero_grad()
        tree = pool.dendrogram(batch.x, batch.edge_index, None, batch.batch)
        loss(tree, batch.y).mean().backward()
        optimizer.step()

    return step


def text_step() -> Callable[[int], None]:
    """Return a training step of the text model."""
    words = ["cat", "car", "bus", "hatstand", "rat", "encyclopedia", "art", "cart", "boat", "taxi"]
    examples = [Example(word, f"{word}s") for word in words]
    units = TextUnits()
    vocabulary = Vocabulary.from_texts(units.split(example.target) for example in examples)
    net = GraphTransformNet(vocabulary.units, channels=16, layers=1)
    pairs, loss = PairDataset(examples, vocabulary, units, units), TransformLoss("cross_entropy")
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step(index: int) -> None:
        optimizer.zero_grad()
        loss(net, pairs.batch([index % 10, 3 * index % 10])).total.mean().backward()
        optimizer.step()

    return step


KINDS = {"pool": pool_step, "partition": partition_step, "text": text_step}

FIT = "run of fit"


def train_long(kind: str, folder: Path, steps: int = STEPS) -> Outcome:
    """Train for many steps, and compare the memory after a tenth of them with that at the end."""
    notes: dict[str, int] = {}

    def find() -> list[str]:
        first, last = call_in_own_process(measure_memory, kind, folder, steps)
        notes["KiB after a tenth of the steps"] = round(1024 * first)
        notes["KiB at the end"] = round(1024 * last)
        return [f"{last - first:.1f} MiB more"] if last - first > MEBIBYTES else []

    return attempt(f"{kind}, {steps} steps", find)._replace(notes=notes)


def measure_memory(kind: str, folder: Path, steps: int) -> list[float]:
    """Train, and return the MiB of memory after a tenth of the steps and at their end."""
    torch.manual_seed(0)
    MEMORY.clear()
    if kind == FIT:
        fit.main(fit_options(folder, steps))
    else:
        step, log = KINDS[kind](), MemoryLog(steps)
        for index in range(steps):
            step(index)
            log.measure(index + 1)
    return list(MEMORY)


MEMORY: list[float] = []
"""MiB after a tenth of the steps, and at their end."""


class MemoryLog(Callback):
    """Measure the memory of a run.

    Args:
        steps: All its steps.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def measure(self, step: int) -> None:
        """Measure after a tenth of the steps, and after the last one."""
        if step in (self.steps // 10, self.steps):
            gc.collect()
            MEMORY.append(resident())

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Measure after some steps."""
        self.measure(trainer.global_step)


def fit_options(folder: Path, steps: int) -> list[str]:
    """Return the options of a run of many steps, with validation and checkpoints every 60."""
    options = text_options(folder)
    path = folder / "repeated.tsv"
    path.write_text((folder / "pairs.tsv").read_text() * 10)
    return [
        *options,
        f"--data.train={path}",
        "--trainer.max_epochs=-1",
        f"--trainer.max_steps={steps}",
        "--model.schedule=constant",
        "--trainer.callbacks+=benchmarks.faults.training.long_runs.MemoryLog",
        f"--trainer.callbacks.steps={steps}",
        f"--output={folder}",
    ]


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
