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
from benchmarks.transduction.scoring import RECALLED, Units, score
from benchmarks.transduction.suffix_table import inflect, learn_suffixes
from benchmarks.transduction.tagger_training import TaggerOptions, rewrite, train_tagger
from benchmarks.transduction.versions import list_versions
from pyg_grapheme.text import Example, find_known_targets, split_graphemes


class Learned(NamedTuple):
    """A trained baseline: its way to rewrite, the epochs of its training, and its options."""

    rewrite: Callable[[list[Pair]], list[Units]]
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
    recalls = (cell.table, cell.row) == ("normalisation", "tagger")
    known = find_known(splits.train) if recalls else None
    scores, spent, words = {}, 0.0, 0
    for name, pairs in named.items():
        start = time.perf_counter()
        predictions = learned.rewrite(pairs)
        spent, words = spent + time.perf_counter() - start, words + len(pairs)
        targets = [pair.target for pair in pairs]
        scores[name] = score(predictions, targets)
        if known is not None:
            scores[RECALLED.format(name)] = score(recall(known, pairs, predictions), targets)
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


def find_known(train: Sequence[Pair]) -> dict[str, str]:
    """Return the targets that the text model would recall."""
    return find_known_targets(Example("".join(p.source), "".join(p.target)) for p in train)


def recall(known: dict[str, str], pairs: Sequence[Pair], predictions: list[Units]) -> list[Units]:
    """Replace predictions by known targets, as the text model does with recall.

    >>> known = find_known([Pair(("v",), ("u",))])
    >>> recall(known, [Pair(("v",), ("u",)), Pair(("w",), ("w",))], [("v",)] * 2)
    [('u',), ('v',)]
    """
    answers = (known.get("".join(pair.source)) for pair in pairs)
    return [
        predicted if answer is None else tuple(split_graphemes(answer))
        for predicted, answer in zip(predictions, answers, strict=True)
    ]


def _learn_suffix_table(cell: Cell, splits: Splits) -> Learned:
    table = learn_suffixes(splits.train)

    def inflect_all(pairs: list[Pair]) -> list[Units]:
        forms = (inflect(table, "".join(pair.source), pair.tags) for pair in pairs)
        return [tuple(split_graphemes(form)) for form in forms]

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
