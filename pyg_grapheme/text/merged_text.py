"""A text and its merges, for reports and pictures."""

from collections.abc import Sequence
from typing import NamedTuple


class MergedText(NamedTuple):
    """A text, its merges, and what the model wrote.

    Attributes:
        units: The n nodes.
        cluster: The cluster of each.
        score: Scores of the n - 1 pairs of neighbours.
        rewritten: The output of the model.
        grapheme: The index of the grapheme cluster of each node; empty if every node is one.
    """

    units: Sequence[str]
    cluster: Sequence[int]
    score: Sequence[float]
    rewritten: str
    grapheme: Sequence[int] = ()
