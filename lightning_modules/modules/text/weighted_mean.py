"""Means over an epoch of values that are logged at every step."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class WeightedMean(Metric):
    """Weighted mean of numbers over all processes; NaN if any of them is.

    ``torchmetrics.MeanMetric`` drops NaN, which would hide a diverged loss; with
    ``nan_strategy="disable"`` it ignores the weights (torchmetrics 1.9,
    https://github.com/Lightning-AI/torchmetrics/issues/3434).

    Example:
        >>> mean = WeightedMean()
        >>> mean.update(torch.tensor(1.0), 3)
        >>> mean.update(torch.tensor(5.0), 1)
        >>> mean.compute()
        tensor(2., dtype=torch.float64)
    """

    full_state_update = False
    total: Tensor
    weight: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("total", "weight"):
            self.add_state(name, torch.tensor(0.0, dtype=torch.double), dist_reduce_fx="sum")

    def update(self, value: Tensor, weight: float) -> None:
        """Add one number."""
        self.total = self.total + value.to(self.total.dtype) * weight
        self.weight = self.weight + weight

    def compute(self) -> Tensor:
        """Return the mean."""
        return self.total / self.weight
