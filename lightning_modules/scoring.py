"""Predictions for a set of examples, and how good they are."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torchmetrics.functional.text import char_error_rate, edit_distance

from lightning_modules.module import TransformModule
from lightning_modules.unit_error_rate import unit_error_rate
from pyg_grapheme.text import PairDataset, as_written
from pyg_grapheme.typing import NormalForm, UnitsName


class Scores(NamedTuple):
    """How good the predictions for a set of examples are.

    Attributes:
        examples: How many.
        exact_match: Share of predictions equal to the target: word accuracy where a text is a word.
        char_error_rate: Levenshtein distances of code points, over the targets' length; None where
            all targets are empty.
        unit_error_rate: The same of units; the phone error rate where the units are phones.
        edit_distance: Mean Levenshtein distance of code points, a text.
        coarse_share: C/N at the plain threshold, coarse over fine nodes; 1 where there is no node.
    """

    examples: int
    exact_match: float
    char_error_rate: float | None
    unit_error_rate: float | None
    edit_distance: float
    coarse_share: float


def predict_examples(
    module: TransformModule, dataset: PairDataset, batch_size: int = 64
) -> tuple[list[str], Scores]:
    """Rewrite the source of each example and compare with its target."""
    form, units = module.net.form, module.net.target_units
    predictions: list[str] = []
    coarse = fine = 0
    training = module.training
    module.eval()
    with torch.no_grad():
        for first in range(0, len(dataset), batch_size):
            numbers = range(len(dataset))[first : first + batch_size]
            source = dataset.batch(numbers).source
            rewritten, history = module.rewrite(source.to(module.device))
            predictions += rewritten
            coarse += history.num_clusters
            fine += history.cluster.numel()
    module.train(training)
    targets = [example.target for example in dataset.examples]
    return predictions, score_texts(
        predictions, targets, coarse / fine if fine else 1.0, units, form
    )


def score_texts(
    predictions: list[str],
    targets: Sequence[str],
    coarse_share: float,
    units: UnitsName = "graphemes",
    form: NormalForm = "NFC",
) -> Scores:
    """Compare predictions with targets, which are brought to the form of what is written.

    Args:
        predictions: One a target.
        targets: At least one.
        coarse_share: C/N of the sources.
        units: What the unit error rate counts.
        form: Unicode normal form of the targets.
    """
    written = [as_written(target, units, form) for target in targets]
    correct = sum(p == t for p, t in zip(predictions, written, strict=True))
    return Scores(
        len(written),
        correct / len(written),
        float(char_error_rate(predictions, written)) if any(written) else None,
        unit_error_rate(predictions, written, units, form),
        float(edit_distance(predictions, written, reduction="mean")),
        coarse_share,
    )


def print_scores(scores: dict[str, Scores]) -> None:
    """Print a table, one split a line."""
    print(
        f"{'split':<12} {'examples':>8} {'exact match':>12} {'char. errors':>13} "
        f"{'unit errors':>12} {'edit distance':>14} {'C/N':>6}"
    )
    for name, score in scores.items():
        print(
            f"{name:<12} {score.examples:>8} {score.exact_match:>12.2%} "
            f"{_percent(score.char_error_rate):>13} {_percent(score.unit_error_rate):>12} "
            f"{score.edit_distance:>14.3f} {score.coarse_share:>6.2f}"
        )
    sys.stdout.flush()


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2%}"
