"""The published runs of the method, repeated: there, each failed or relied on a heuristic.

    python -m benchmarks.published_runs --output published_runs.md
    python -m benchmarks.published_runs --epochs 5 --pairs 3

**Threshold tracking**: the text model on question and answer pairs, from a raw threshold of 0.8,
full batches, 100 epochs; the expected loss with the initial threshold shows the part of the
threshold. **Descent**: 20 steps of Adam on the structural loss of three pairs. **Descent of the
threshold alone**: for each pair, a step against its gradient with all other parameters fixed.
**Finite differences** of the threshold through the whole model and the structural loss: the largest
relative error over all pairs.

All in float64, without dropout.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.loader import DataLoader

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.tables import format_table
from pyg_grapheme.text import (
    Example,
    GraphPair,
    PairDataset,
    Vocabulary,
    read_examples,
    split_units,
)
from pyg_grapheme.text.bundled import resolve_path
from pyg_grapheme.text.model import GraphTransformNet, TransformLoss, default_pool
from pyg_grapheme.text.typing import LossName

THREE = [Example("abc", "ab"), Example("xyz", "xy"), Example("123", "12")]
LOSSES: tuple[LossName, ...] = ("structural", "cross_entropy", "hybrid")


class Training(NamedTuple):
    """A finished training.

    Attributes:
        raw: The raw threshold, first and last.
        loss: The expected loss, first and last.
        put_back: The last loss with the initial threshold.
        rises: Number of steps in which the loss rose.
    """

    raw: tuple[float, float]
    loss: tuple[float, float]
    put_back: float
    rises: int


def make(examples: Sequence[Example], seed: int = 0) -> tuple[GraphTransformNet, Vocabulary]:
    """Make a small model without dropout, in float64."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.from_texts(split_units(e.target) for e in examples)
    pool = default_pool(16, threshold=0.69)
    net = GraphTransformNet(
        vocabulary.units, channels=16, layers=1, dropout=0.0, buckets=256, pool=pool
    )
    return net.double(), vocabulary


def batches(examples: Sequence[Example], vocabulary: Vocabulary, size: int) -> list[GraphPair]:
    """Return the examples in batches."""
    return list(DataLoader(PairDataset(examples, vocabulary), batch_size=size))


def train(examples: Sequence[Example], name: LossName, epochs: int, lr: float) -> Training:
    """Train by Adam on the full batch."""
    net, vocabulary = make(examples)
    (pair,) = batches(examples, vocabulary, len(examples))
    loss, raw = TransformLoss(name), net.pool.raw_threshold
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    first, totals = float(raw.detach()), []
    for _ in range(epochs):
        total = loss(net, pair).total.mean()
        totals.append(float(total.detach()))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    with torch.no_grad():
        last = float(raw)
        totals.append(float(loss(net, pair).total.mean()))
        raw.fill_(first)
        put_back = float(loss(net, pair).total.mean())
    rises = sum(after > before for before, after in pairwise(totals))
    return Training((first, last), (totals[0], totals[-1]), put_back, rises)


class Slope(NamedTuple):
    """The gradient of the threshold at a pair.

    Attributes:
        analytic: Gradient by autograd.
        numeric: Gradient by central differences.
        fall: Fall of the loss in a small step against the gradient.
    """

    analytic: float
    numeric: float
    fall: float


def slope(net: GraphTransformNet, loss: TransformLoss, pair: GraphPair, step: float) -> Slope:
    """Evaluate the loss of a pair around the threshold, with all other parameters fixed."""
    raw = net.pool.raw_threshold
    raw.grad = None
    value = loss(net, pair).total.sum()
    value.backward()
    assert raw.grad is not None
    kept, gradient = float(raw.detach()), float(raw.grad)

    def at(threshold: float) -> float:
        with torch.no_grad():
            raw.fill_(threshold)
            found: Tensor = loss(net, pair).total.sum()
            raw.fill_(kept)
        return float(found)

    numeric = (at(kept + step) - at(kept - step)) / (2 * step)
    return Slope(gradient, numeric, float(value.detach()) - at(kept - 1e-3 * gradient))


def tracking_table(examples: Sequence[Example], epochs: int, lr: float) -> str:
    """Lay out the threshold tracking, one line per loss."""
    lines = [["published (a heuristic)", "0.8", "1.298", "10.15", "10.07", "-", "-"]]
    for name in LOSSES:
        training = train(examples, name, epochs, lr)
        lines.append(
            [
                f"ours, {name}",
                *(f"{value:.3f}" for value in (*training.raw, *training.loss, training.put_back)),
                str(training.rises),
            ]
        )
    head = ["", "raw threshold", "after", "loss", "after", "initial threshold", "rises"]
    return format_table(f"Threshold tracking: {len(examples)} pairs, {epochs} epochs", head, lines)


def descent_table() -> str:
    """Lay out the gradient descent on three pairs."""
    training = train(THREE, "structural", 20, 1e-3)
    lines = [
        ["published", "4.157", "4.158", "-"],
        ["ours", *(f"{value:.3f}" for value in training.loss), str(training.rises)],
    ]
    return format_table("Descent: 20 steps", ["", "loss", "after", "rises"], lines)


def difference_table(examples: Sequence[Example]) -> str:
    """Lay out the gradient of the threshold over single pairs."""
    net, vocabulary = make(examples)
    pairs = batches(examples, vocabulary, 1)
    lines = [["published", "-", "failed", "-", "-"]]
    for name in LOSSES:
        loss = TransformLoss(name)
        slopes = [slope(net, loss, pair, 1e-5) for pair in pairs]
        errors = [abs(s.analytic - s.numeric) / max(abs(s.numeric), 1e-3) for s in slopes]
        sizes = [abs(s.numeric) for s in slopes]
        fell = sum(s.fall > 0 for s in slopes)
        lines.append(
            [
                f"ours, {name}",
                f"{min(sizes):.2g} to {max(sizes):.2g}",
                f"{max(errors):.1e}",
                f"{fell} of {len(slopes)}",
                f"{min(s.fall for s in slopes):.1e}",
            ]
        )
    head = ["", "|gradient|", "largest relative error", "a step against it helps", "least fall"]
    title = f"The gradient of the threshold through the whole model, {len(pairs)} pairs"
    return format_table(title, head, lines)


def main() -> None:
    """Repeat the runs and print the tables."""
    parser = argparse.ArgumentParser(description="Repeat the published runs of the method.")
    add = parser.add_argument
    add("--pairs", type=int, default=40, help="number of bundled questions")
    add("--epochs", type=int, default=100)
    add("--lr", type=float, default=5e-3)
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    stamp = begin_result(options.output)
    examples = read_examples(resolve_path("bundled:kindergarten.jsonl"))[: options.pairs]
    end_result(
        options.output,
        stamp,
        tracking_table(examples, options.epochs, options.lr),
        descent_table(),
        difference_table(examples),
    )


if __name__ == "__main__":
    main()
