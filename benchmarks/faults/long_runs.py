"""Memory over many training steps."""

import gc
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import Linear
from torch_geometric.data import Batch

from benchmarks.faults.outcome import Outcome
from lightning_modules import TrackEvents
from lightning_modules.datamodules.track_events import EventOptions
from pyg_grapheme.nn import PairScorer, PartitionLoss, ThresholdMergePool
from pyg_grapheme.text import Example, PairDataset, TextUnits, Vocabulary
from pyg_grapheme.text.model import GraphTransformNet, TransformLoss

STEPS = 10_000

MEBIBYTES = 16.0
"""Growth that counts as none: a thousandth of what a step takes would add up to more."""


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


def train_long(kind: str, folder: Path, steps: int = STEPS) -> Outcome:
    """Train for many steps, and compare the memory behind a tenth of them with that at the end."""
    torch.manual_seed(0)
    step = KINDS[kind]()
    memory = []
    for index in range(steps):
        step(index)
        if index + 1 in (steps // 10, steps):
            gc.collect()
            memory.append(resident())
    growth = memory[1] - memory[0]
    failures = [f"{kind}: {growth:.1f} MiB more after {steps} steps"] if growth > MEBIBYTES else []
    return Outcome(1, not failures, 0, failures)


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
