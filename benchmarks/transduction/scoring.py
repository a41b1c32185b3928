"""Scores of predictions, the same for every row."""

from collections.abc import Sequence
from typing import NamedTuple

from lightning_modules.modules.text.scores import score_texts
from pyg_grapheme.text import TextUnits

LOOKED_UP, PLAIN = "{}, looked up", "{}, plain"
"""Names of the additional scores of a split: a baseline with the look-up, and ours without."""


class Score(NamedTuple):
    """Scores of the predictions for a set of examples.

    Attributes:
        examples: Number of examples.
        accuracy: Share of predictions equal to the target.
        error_rate: Levenshtein distances in grapheme clusters or phones, over the length of the
            targets.
        coarsening_ratio: C/N, coarse over fine nodes; None for rows without the text model.
    """

    examples: int
    accuracy: float
    error_rate: float
    coarsening_ratio: float | None = None


def score(
    predictions: Sequence[str], targets: Sequence[str], units: TextUnits = TextUnits()
) -> Score:
    """Compare predictions with targets in the form in which their units are joined.

    >>> score(["ka", "b"], ["ko", "b"])
    Score(examples=2, accuracy=0.5, error_rate=0.3333333333333333, coarsening_ratio=None)
    """
    found = score_texts(predictions, targets, coarsening_ratio=1.0, units=units)
    assert found.unit_error_rate is not None
    return Score(found.examples, found.exact_match, found.unit_error_rate)
