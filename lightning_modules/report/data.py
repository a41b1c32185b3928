"""The content of a report as plain data, independent of trainer and model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyg_grapheme.text import MergedText


class Line(NamedTuple):
    """One example and its prediction.

    Attributes:
        source: Units of the input.
        prediction: Units of the prediction.
        target: Units of the target.
        tags: Tags of the example.
    """

    source: tuple[str, ...]
    prediction: tuple[str, ...]
    target: tuple[str, ...]
    tags: tuple[str, ...] = ()


class SplitResult(NamedTuple):
    """The results of one split.

    Attributes:
        scores: Scores by name: counts as int, the others as float, None if undefined.
        lines: One per example.
    """

    scores: Mapping[str, float | None]
    lines: Sequence[Line]


class ReportData(NamedTuple):
    """The content of a report; empty parts get no section.

    Attributes:
        title: Title of the page.
        facts: Date, duration, versions and so on, by label, in the order to show them.
        splits: Results by name; "train" is the training split.
        curves: One value per epoch, by logged name; NaN if there is none.
        merges: Texts with their merges.
        threshold: Scores above it merge; None if unknown.
        config: The configuration as text.
        gap: Separator of units: a space for phones, else nothing.
    """

    title: str
    facts: Mapping[str, str]
    splits: Mapping[str, SplitResult]
    curves: Mapping[str, Sequence[float]] = {}
    merges: Sequence[MergedText] = ()
    threshold: float | None = None
    config: str = ""
    gap: str = ""
