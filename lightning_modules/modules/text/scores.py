"""Predictions of the text model for a set of examples, and their scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torchmetrics.functional.text import char_error_rate, edit_distance

from lightning_modules.modules.text.unit_error_rate import error_units, unit_error_rate
from pyg_grapheme.text import PairDataset, TextUnits

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


class TextScores(NamedTuple):
    """Scores of the predictions for a set of examples.

    Attributes:
        examples: Their number.
        exact_match: Share of predictions equal to the target: word accuracy where a text is a word.
        char_error_rate: Sum of the Levenshtein distances of code points over the length of the
            targets; None if all targets are empty.
        unit_error_rate: The same in grapheme clusters. If the targets have other units, such as
            phones, in those units.
        edit_distance: Mean Levenshtein distance of code points per text.
        coarsening_ratio: Nodes after over nodes before merging at the threshold; 1 without nodes.
            Of several models, that of the first.
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
    predictions: list[str] = []
    coarse = fine = 0
    training = module.training
    module.eval()
    with torch.no_grad():
        for first in range(0, len(dataset), batch_size):
            indices = range(len(dataset))[first : first + batch_size]
            source = dataset.batch(indices).source.to(module.device)
            if module.is_searching:
                some = [dataset.examples[index] for index in indices]
                predictions += module([e.source for e in some], [e.tags for e in some])
                history = module.net.merge(module.net.encode(source)).history
            else:
                rewritten, history = module.rewrite(source)
                predictions += rewritten
            coarse += history.num_clusters
            fine += history.cluster.numel()
    module.train(training)
    targets = [example.target for example in dataset.examples]
    ratio = coarse / fine if fine else 1.0
    return predictions, score_texts(predictions, targets, ratio, module.net.target)


def score_texts(
    predictions: Sequence[str],
    targets: Sequence[str],
    coarsening_ratio: float,
    units: TextUnits = TextUnits(),
) -> TextScores:
    """Compare predictions with targets, as units of these would be joined.

    Args:
        predictions: One per target.
        targets: At least one.
        coarsening_ratio: C/N of the sources.
        units: Units of the targets.
    """
    written = [units.canonical(target) for target in targets]
    correct = sum(p == t for p, t in zip(predictions, written, strict=True))
    return TextScores(
        len(written),
        correct / len(written),
        float(char_error_rate(list(predictions), written)) if any(written) else None,
        unit_error_rate(predictions, written, error_units(units)),
        float(edit_distance(list(predictions), written, reduction="mean")),
        coarsening_ratio,
    )
