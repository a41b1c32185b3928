"""Predictions of the text model for a set of examples, and their scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torchmetrics.functional.text import char_error_rate, edit_distance

from lightning_modules.modules.unit_error_rate import unit_error_rate
from pyg_grapheme.text import PairDataset, as_written
from pyg_grapheme.text.typing import NormalForm, UnitsName

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


class TextScores(NamedTuple):
    """Scores of the predictions for a set of examples.

    Attributes:
        examples: Their number.
        exact_match: Share of predictions equal to the target: word accuracy where a text is a word.
        char_error_rate: Sum of the Levenshtein distances of code points over the length of the
            targets; None if all targets are empty.
        unit_error_rate: The same for units; the phone error rate if the units are phones.
        edit_distance: Mean Levenshtein distance of code points per text.
        coarsening_ratio: Nodes after over nodes before merging at the threshold; 1 without nodes.
    """

    examples: int
    exact_match: float
    char_error_rate: float | None
    unit_error_rate: float | None
    edit_distance: float
    coarsening_ratio: float


def predict_examples(
    module: "TransformModule", dataset: PairDataset, batch_size: int = 64
) -> tuple[list[str], TextScores]:
    """Rewrite the source of each example and compare with its target."""
    form, units = module.net.form, module.net.target_units
    predictions: list[str] = []
    coarse = fine = 0
    training = module.training
    module.eval()
    with torch.no_grad():
        for first in range(0, len(dataset), batch_size):
            indices = range(len(dataset))[first : first + batch_size]
            source = dataset.batch(indices).source
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
    coarsening_ratio: float,
    units: UnitsName = "graphemes",
    form: NormalForm = "NFC",
) -> TextScores:
    """Compare predictions with targets in the model's normal form.

    Args:
        predictions: One per target.
        targets: At least one.
        coarsening_ratio: C/N of the sources.
        units: Unit of the unit error rate.
        form: Unicode normal form of the targets.
    """
    written = [as_written(target, units, form) for target in targets]
    correct = sum(p == t for p, t in zip(predictions, written, strict=True))
    return TextScores(
        len(written),
        correct / len(written),
        float(char_error_rate(predictions, written)) if any(written) else None,
        unit_error_rate(predictions, written, units, form),
        float(edit_distance(predictions, written, reduction="mean")),
        coarsening_ratio,
    )
