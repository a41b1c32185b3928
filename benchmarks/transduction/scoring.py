"""Scores of predictions, the same for every row."""

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

Units = tuple[str, ...]

RECALLED, PLAIN = "{}, recalled", "{}, plain"
"""Names of the additional scores of a split: a baseline with recall, and ours without."""


class Score(NamedTuple):
    """Scores of the predictions for a set of examples.

    Attributes:
        examples: Number of examples.
        accuracy: Share of predictions equal to the target.
        error_rate: Levenshtein distances in units, over the number of units of the targets.
        coarsening_ratio: C/N, coarse over fine nodes; None for rows without the text model.
    """

    examples: int
    accuracy: float
    error_rate: float
    coarsening_ratio: float | None = None


def score(predictions: Sequence[Units], targets: Sequence[Units]) -> Score:
    """Compare predictions with targets.

    >>> score([("k", "a"), ("b",)], [("k", "o"), ("b",)])
    Score(examples=2, accuracy=0.5, error_rate=0.3333333333333333, coarsening_ratio=None)
    """
    both = list(zip(predictions, targets, strict=True))
    right = sum(prediction == target for prediction, target in both)
    distance = sum(Levenshtein.distance(prediction, target) for prediction, target in both)
    return Score(len(both), right / len(both), distance / sum(map(len, targets)))
