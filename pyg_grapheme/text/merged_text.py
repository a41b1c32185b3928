"""A text and what was merged in it, for those who show it."""

from collections.abc import Sequence
from typing import NamedTuple


class MergedText(NamedTuple):
    """A text, and what became of it.

    Attributes:
        graphemes: The n nodes.
        cluster: The cluster of each.
        score: How alike the n - 1 neighbours are.
        rewritten: What the model wrote.
    """

    graphemes: Sequence[str]
    cluster: Sequence[int]
    score: Sequence[float]
    rewritten: str
