"""Run the cells of the baselines: suffix table, look-up and LSTM tagger."""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import Pair, Splits, read_splits
from benchmarks.transduction.look_up import learn_answers, look_up
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import LOOKED_UP, score
from benchmarks.transduction.suffix_table import inflect, learn_suffixes
from benchmarks.transduction.tagger_training import TaggerOptions, rewrite, train_tagger
from benchmarks.transduction.versions import list_versions
from pyg_grapheme.text import Example, find_known_targets


class Learned(NamedTuple):
    """A trained baseline: its way to rewrite, the epochs of its training, and its options."""

    rewrite: Callable[[list[Pair]], list[tuple[str, ...]]]
    epochs: float | None
    setting: dict[str, Any]


def run_baseline(cell: Cell, data: Path) -> Record:
    """Train on the training set and score on all others."""
    versions = list_versions()
    splits = read_splits(data, cell.table, cell.language, cell.size)
    start = time.perf_counter()
    learned = LEARN[cell.row](cell, splits)
    seconds = time.perf_counter() - start
    named = {**({"dev": splits.dev} if splits.dev else {}), **splits.test}
    looks_up = (cell.table, cell.row) == ("normalisation", "tagger")
    known = find_known(splits) if looks_up else None
    scores, spent, words = {}, 0.0, 0
    for name, pairs in named.items():
        start = time.perf_counter()
        predictions = [splits.target.join(units) for units in learned.rewrite(pairs)]
        spent, words = spent + time.perf_counter() - start, words + len(pairs)
        targets = [splits.target.join(pair.target) for pair in pairs]
        scores[name] = score(predictions, targets, splits.target)
        if known is not None:
            sources = [splits.source.join(pair.source) for pair in pairs]
            answers = [known.get(s, p) for s, p in zip(sources, predictions, strict=True)]
            scores[LOOKED_UP.format(name)] = score(answers, targets, splits.target)
    return Record(
        cell.name,
        scores,
        seconds,
        learned.epochs,
        (learned.epochs or 1) * len(splits.train) / seconds,
        words / spent,
        torch.get_num_threads(),
        versions,
        learned.setting,
    )


def find_known(splits: Splits) -> dict[str, str]:
    """Return the targets that the text model would look up."""
    return find_known_targets(
        (
            Example(splits.source.join(pair.source), splits.target.join(pair.target))
            for pair in splits.train
        ),
        splits.source,
        splits.target,
    )


def _learn_suffix_table(cell: Cell, splits: Splits) -> Learned:
    def compose(pairs: Sequence[Pair]) -> list[Pair]:
        """Split composed texts, as the organisers do: they gain from it."""
        joined = ((splits.source.join(p.source), splits.target.join(p.target)) for p in pairs)
        return [
            Pair(tuple(source), tuple(target), pair.tags)
            for (source, target), pair in zip(joined, pairs, strict=True)
        ]

    table = learn_suffixes(compose(splits.train))

    def inflect_all(pairs: list[Pair]) -> list[tuple[str, ...]]:
        forms = (inflect(table, "".join(pair.source), pair.tags) for pair in compose(pairs))
        return [tuple(form) for form in forms]

    return Learned(inflect_all, None, {})


def _learn_look_up(cell: Cell, splits: Splits) -> Learned:
    answers = learn_answers(splits.train)
    return Learned(lambda pairs: [look_up(answers, pair.source) for pair in pairs], None, {})


def _learn_tagger(cell: Cell, splits: Splits) -> Learned:
    options = TaggerOptions()
    log = partial(print, file=sys.stderr, flush=True)
    trained = train_tagger(splits.train, splits.dev, options, cell.seed, log)
    return Learned(partial(rewrite, trained), trained.epochs, options._asdict())


LEARN: dict[str, Callable[[Cell, Splits], Learned]] = {
    "suffix_table": _learn_suffix_table,
    "look_up": _learn_look_up,
    "tagger": _learn_tagger,
}
