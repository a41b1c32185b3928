"""Train the LSTM tagger, and rewrite with it."""

import copy
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.transduction.data import Pair
from benchmarks.transduction.tagger import (
    IGNORED,
    UNKNOWN,
    Inventory,
    Tagger,
    collect_inventory,
    label_batch,
    make_batch,
)
from pyg_grapheme.text import KEEP, CaseMapping, Edits, edit_units, written_units
from pyg_grapheme.text.edits import Operation

Units = tuple[str, ...]


class TaggerOptions(NamedTuple):
    """Options of the training.

    Attributes:
        epochs: Epochs, within the bounds of the steps.
        min_steps: Least number of steps of Adam.
        max_steps: Largest number of steps of Adam.
        batch_size: Examples per step.
        lr: Highest learning rate of a one-cycle schedule.
        channels: Features of an embedding.
        hidden: Features of one direction of the LSTM.
        layers: Layers of the LSTM.
        dropout: Probability of dropping a feature.
        unknown: Probability of replacing a unit by the unknown one.
        checks: Number of evaluations on the dev set, to keep the best weights.
    """

    epochs: int = 50
    min_steps: int = 1000
    max_steps: int = 6000
    batch_size: int = 32
    lr: float = 3e-3
    channels: int = 128
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.3
    unknown: float = 0.01
    checks: int = 15


class TrainedTagger(NamedTuple):
    """A trained tagger, its inventory, and the number of epochs of its training."""

    model: Tagger
    inventory: Inventory
    epochs: float


def count_steps(examples: int, options: TaggerOptions) -> int:
    """Return the number of steps for a training set of this size."""
    steps = options.epochs * -(-examples // options.batch_size)
    return min(max(options.min_steps, steps), options.max_steps)


def train_tagger(
    train: Sequence[Pair],
    dev: Sequence[Pair],
    options: TaggerOptions,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> TrainedTagger:
    """Minimise the cross-entropy of the edits; keep the weights that are best on ``dev``.

    Without a dev set the last weights are kept.
    """
    torch.manual_seed(seed)
    labels = [edit_units(source, target) for source, target, _ in train]
    inventory = collect_inventory(train, labels)
    model = Tagger(inventory, options.channels, options.hidden, options.layers, options.dropout)
    steps = count_steps(len(train), options)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, steps, pct_start=0.1)
    best, kept = -1.0, model
    every = -(-steps // options.checks)
    for step, rows in zip(
        range(1, steps + 1), _draw_batches(len(train), options.batch_size), strict=False
    ):
        loss = _loss(model, [train[i] for i in rows], [labels[i] for i in rows], inventory, options)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if dev and (step % every == 0 or step == steps):
            predictions = rewrite(TrainedTagger(model, inventory, 0), dev)
            right = fmean(p == pair.target for p, pair in zip(predictions, dev, strict=True))
            log(f"step {step}: {right:.1%} of dev")
            if right > best:
                best, kept = right, copy.deepcopy(model)
    return TrainedTagger(kept.eval(), inventory, steps * options.batch_size / len(train))


def _draw_batches(count: int, size: int) -> Iterator[list[int]]:
    """Yield the indices of batches without end, shuffled in each epoch."""
    while True:
        order = torch.randperm(count).tolist()
        yield from (order[start : start + size] for start in range(0, count, size))


def _loss(
    model: Tagger,
    pairs: Sequence[Pair],
    labels: Sequence[Edits],
    inventory: Inventory,
    options: TaggerOptions,
) -> Tensor:
    """Return the cross-entropy per text."""
    model.train()
    batch = make_batch(pairs, inventory)
    hidden = (torch.rand(batch.units.shape) < options.unknown) & (batch.units > UNKNOWN)
    scores = model(batch._replace(units=batch.units.masked_fill(hidden, UNKNOWN)))
    total = torch.zeros(())
    for logits, label in zip(scores, label_batch(labels, inventory), strict=True):
        total = total + F.cross_entropy(
            logits.flatten(0, 1), label.flatten(), ignore_index=IGNORED, reduction="sum"
        )
    return total / len(pairs)


@torch.no_grad()
def rewrite(trained: TrainedTagger, pairs: Sequence[Pair], size: int = 256) -> list[Units]:
    """Apply the most probable edits of each source."""
    model, inventory, _ = trained
    model.eval()
    operations, insertions = list(inventory.operations), list(inventory.insertions)
    written: list[Units] = [()] * len(pairs)
    # Texts of similar length share a batch, for less padding.
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].source))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        scores = model(make_batch([pairs[i] for i in rows], inventory))
        tops = [score.argmax(dim=-1).tolist() for score in scores]
        for row, kinds, gaps in zip(rows, *tops, strict=True):
            source = pairs[row].source
            edits = Edits(
                source,
                tuple(_apply(operations[k], u) for k, u in zip(kinds, source, strict=False)),
                tuple(insertions[k] for k in gaps[: len(source) + 1]),
            )
            written[row] = written_units(edits)
    return written


def _apply(operation: Operation, unit: str) -> Operation:
    """Return an operation; in place of a case mapping without effect on the unit, keeping it."""
    if isinstance(operation, CaseMapping) and operation.map_first(unit) is None:
        return KEEP
    return operation
