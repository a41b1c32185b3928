"""The predictions of the text model as plain data."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyg_grapheme.text import MergedText


class Line(NamedTuple):
    """One example and its prediction.

    Attributes:
        source: Units of the input, composed like the others: an accent is part of its letter.
        prediction: Units of the prediction.
        target: Units of the target.
        tags: Tags of the example.
    """

    source: tuple[str, ...]
    prediction: tuple[str, ...]
    target: tuple[str, ...]
    tags: tuple[str, ...] = ()


class TextResults(NamedTuple):
    """Content of the report of a text model, besides scores and curves.

    Attributes:
        lines: One per example, by split; "train" is the training split.
        merges: Texts with their merges.
        threshold: Of the scores; None if the model merges nothing.
        gap: Separator of units: a space for phones, else nothing.
    """

    lines: Mapping[str, Sequence[Line]]
    merges: Sequence[MergedText] = ()
    threshold: float | None = None
    gap: str = ""
