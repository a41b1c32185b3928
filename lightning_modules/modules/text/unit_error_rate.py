"""Error rates in units of texts."""

from collections.abc import Sequence
from typing import Any

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torchmetrics import Metric

from pyg_grapheme.text import TextUnits

GRAPHEMES = TextUnits("graphemes")
"""Units of error rates for texts of code points: what a reader takes for one character."""


def unit_error_rate(
    predictions: Sequence[str],
    targets: Sequence[str],
    units: TextUnits = GRAPHEMES,
) -> float | None:
    """Return the Levenshtein distances of sequences of units, over the targets' length.

    Returns:
        The rate, 0.05 for five errors in a hundred units; None where no target has a unit.

    >>> unit_error_rate(["t ʃ ɪ p"], ["t͡ʃ ɪ p"], TextUnits("whitespace"))  # 2 errors, 3 phones
    0.6666666666666666
    """
    errors, length = _count(predictions, targets, units)
    return errors / length if length else None


class UnitErrorRate(Metric):
    """:func:`unit_error_rate` over all batches and processes.

    Where no target has a unit, it is NaN, or infinite if anything was predicted.

    Args:
        units: Units that are compared.

    Example:
        >>> metric = UnitErrorRate()
        >>> metric.update(["cat"], ["cart"])
        >>> metric.compute()
        tensor(0.2500)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    errors: Tensor
    length: Tensor

    def __init__(self, units: TextUnits = GRAPHEMES, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        for name in ("errors", "length"):
            self.add_state(name, torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predictions: Sequence[str], targets: Sequence[str]) -> None:
        """Add the errors of a batch."""
        errors, length = _count(predictions, targets, self.units)
        self.errors += errors
        self.length += length

    def compute(self) -> Tensor:
        """Return the rate."""
        return self.errors / self.length


def error_units(target: TextUnits) -> TextUnits:
    """Return the units of error rates: those of the targets, but graphemes for code points.

    >>> error_units(TextUnits("codepoints", "NFD"))
    TextUnits(kind='graphemes', form='NFC')
    """
    return GRAPHEMES if target.kind == "codepoints" else target


def _count(predictions: Sequence[str], targets: Sequence[str], units: TextUnits) -> tuple[int, int]:
    # A word error rate over units joined by spaces would miss units that hold spaces.
    pairs = [(units.split(p), units.split(t)) for p, t in zip(predictions, targets, strict=True)]
    return sum(Levenshtein.distance(p, t) for p, t in pairs), sum(len(t) for _, t in pairs)
