"""The method's published runs, repeated: each failed there, or moved by a heuristic.

    python -m benchmarks.published_runs --output published_runs.md
    python -m benchmarks.published_runs --epochs 5 --pairs 3

**Threshold tracking**: the text model on question and answer pairs, from a raw threshold of 0.8,
full batches, 100 epochs; the expected loss with the threshold put back where it began says whether
it was the threshold that did it. **Descent**: 20 steps of Adam on the structural loss of three
pairs. **Descent of the threshold alone**: a step against its gradient, all else as it is, for each
pair by itself. **Finite differences** of the threshold through the whole model and the structural
loss: the largest relative error over all pairs.

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
from pyg_grapheme.typing import LossName

THREE = [Example("abc", "ab"), Example("xyz", "xy"), Example("123", "12")]
LOSSES: tuple[LossName, ...] = ("structural", "cross_entropy", "hybrid")


class Course(NamedTuple):
    """A training.

    Attributes:
        raw: The raw threshold, first and last.
        loss: The expected loss, first and last.
        put_back: The last one with the threshold put back where it began.
        rises: In how many steps the loss rose.
    """

    raw: tuple[float, float]
    loss: tuple[float, float]
    put_back: float
    rises: int


def make(examples: Sequence[Example], seed: int = 0) -> tuple[GraphTransformNet, Vocabulary]:
    """A small model without dropout, in float64."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.from_texts(split_units(e.target) for e in examples)
    pool = default_pool(16, threshold=0.69)
    net = GraphTransformNet(
        vocabulary.units, channels=16, layers=1, dropout=0.0, buckets=256, pool=pool
    )
    return net.double(), vocabulary


def batches(examples: Sequence[Example], vocabulary: Vocabulary, size: int) -> list[GraphPair]:
    """The examples, so many at a time."""
    return list(DataLoader(PairDataset(examples, vocabulary), batch_size=size))


def train(examples: Sequence[Example], name: LossName, epochs: int, lr: float) -> Course:
    """Full-batch Adam."""
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
    return Course((first, last), (totals[0], totals[-1]), put_back, rises)


class Slope(NamedTuple):
    """The threshold's gradient at one pair.

    Attributes:
        analytic: By autograd.
        numeric: By central differences.
        fall: How far the loss falls in a small step against it.
    """

    analytic: float
    numeric: float
    fall: float


def slope(net: GraphTransformNet, loss: TransformLoss, pair: GraphPair, step: float) -> Slope:
    """Look at the loss of a pair around the threshold, all else as it is."""
    raw = net.pool.raw_threshold
    raw.grad = None
    value = loss(net, pair).total.sum()
    value.backward()
    assert raw.grad is not None
    kept, gradient = float(raw.detach()), float(raw.grad)

    def at(where: float) -> float:
        with torch.no_grad():
            raw.fill_(where)
            found: Tensor = loss(net, pair).total.sum()
            raw.fill_(kept)
        return float(found)

    numeric = (at(kept + step) - at(kept - step)) / (2 * step)
    return Slope(gradient, numeric, float(value.detach()) - at(kept - 1e-3 * gradient))


def tracking_table(examples: Sequence[Example], epochs: int, lr: float) -> str:
    """Threshold tracking, one line a loss."""
    lines = [["published (a heuristic)", "0.8", "1.298", "10.15", "10.07", "-", "-"]]
    for name in LOSSES:
        course = train(examples, name, epochs, lr)
        lines.append(
            [
                f"ours, {name}",
                *(f"{value:.3f}" for value in (*course.raw, *course.loss, course.put_back)),
                str(course.rises),
            ]
        )
    head = ["", "raw threshold", "after", "loss", "after", "threshold put back", "rises"]
    return format_table(f"Threshold tracking: {len(examples)} pairs, {epochs} epochs", head, lines)


def descent_table() -> str:
    """Gradient descent on three pairs."""
    course = train(THREE, "structural", 20, 1e-3)
    lines = [
        ["published", "4.157", "4.158", "-"],
        ["ours", *(f"{value:.3f}" for value in course.loss), str(course.rises)],
    ]
    return format_table("Descent: 20 steps", ["", "loss", "after", "rises"], lines)


def difference_table(examples: Sequence[Example]) -> str:
    """The threshold's gradient, pair by pair."""
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
    title = f"The threshold's gradient through the whole model, {len(pairs)} pairs"
    return format_table(title, head, lines)


def main() -> None:
    """Repeat the runs and print the tables."""
    parser = argparse.ArgumentParser(description="Repeat the method's published runs.")
    add = parser.add_argument
    add("--pairs", type=int, default=40, help="of the bundled questions")
    add("--epochs", type=int, default=100)
    add("--lr", type=float, default=5e-3)
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    examples = read_examples(resolve_path("bundled:kindergarten.jsonl"))[: options.pairs]
    tables = [
        tracking_table(examples, options.epochs, options.lr),
        descent_table(),
        difference_table(examples),
    ]
    text = "\n\n".join(tables) + "\n"
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
