"""What a report tells, as plain data: nothing of it needs a trainer or a model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyg_grapheme.text import MergedText


class Line(NamedTuple):
    """One example and what was predicted for it.

    Attributes:
        source: Units of the input.
        prediction: Units that the model wrote.
        target: Units that it should have written.
        tags: Of the example.
    """

    source: tuple[str, ...]
    prediction: tuple[str, ...]
    target: tuple[str, ...]
    tags: tuple[str, ...] = ()


class SplitResult(NamedTuple):
    """How one split went.

    Attributes:
        scores: By name: counts as int, the others as float, None where there is none.
        lines: Of all examples.
    """

    scores: Mapping[str, float | None]
    lines: Sequence[Line]


class ReportData(NamedTuple):
    """All that a report tells; what is empty gets no section.

    Attributes:
        title: Of the page.
        facts: When, how long, with what: by label, in the order to show them.
        splits: By name; "train" is what was learned from.
        curves: Values an epoch, by the names that they are logged under; NaN where there is none.
        merges: Texts and what was merged in them.
        threshold: A score above it merges; None if that is not known.
        config: The configuration, as text.
        gap: What is written between two units: a space where they are spaced phones.
    """

    title: str
    facts: Mapping[str, str]
    splits: Mapping[str, SplitResult]
    curves: Mapping[str, Sequence[float]] = {}
    merges: Sequence[MergedText] = ()
    threshold: float | None = None
    config: str = ""
    gap: str = ""
