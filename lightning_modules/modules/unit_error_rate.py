"""Error rates in units of texts."""

from collections.abc import Sequence
from typing import Any

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torchmetrics import Metric

from pyg_grapheme.text import split_units
from pyg_grapheme.text.typing import NormalForm, UnitsName


def unit_error_rate(
    predictions: Sequence[str],
    targets: Sequence[str],
    units: UnitsName = "graphemes",
    form: NormalForm = "NFC",
) -> float | None:
    """Return the Levenshtein distances of sequences of units, over the targets' length.

    Returns:
        The rate, 0.05 for five errors in a hundred units; None where no target has a unit.

    >>> unit_error_rate(["t ʃ ɪ p"], ["t͡ʃ ɪ p"], "spaced")  # one substituted, one too many
    0.6666666666666666
    """
    errors, length = _count(predictions, targets, units, form)
    return errors / length if length else None


class UnitErrorRate(Metric):
    """:func:`unit_error_rate` over all batches and processes.

    Where no target has a unit, it is NaN, or infinite if anything was predicted.

    Args:
        units: What a unit is.
        form: Unicode normal form that texts are brought to.

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

    def __init__(
        self, units: UnitsName = "graphemes", form: NormalForm = "NFC", **options: Any
    ) -> None:
        super().__init__(**options)
        self.units: UnitsName = units
        self.form: NormalForm = form
        for name in ("errors", "length"):
            self.add_state(name, torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predictions: Sequence[str], targets: Sequence[str]) -> None:
        """Add the errors of a batch."""
        errors, length = _count(predictions, targets, self.units, self.form)
        self.errors += errors
        self.length += length

    def compute(self) -> Tensor:
        """Return the rate."""
        return self.errors / self.length


def _count(
    predictions: Sequence[str], targets: Sequence[str], units: UnitsName, form: NormalForm
) -> tuple[int, int]:
    # A word error rate over units joined by spaces would miss units that hold spaces.
    pairs = [
        (split_units(p, units, form), split_units(t, units, form))
        for p, t in zip(predictions, targets, strict=True)
    ]
    return sum(Levenshtein.distance(p, t) for p, t in pairs), sum(len(t) for _, t in pairs)
