"""Means over an epoch of what is noted at every step."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class WeightedMean(Metric):
    """Weighted mean of numbers, of all processes; NaN if any of them is.

    ``torchmetrics.MeanMetric`` leaves NaN out, which would hide a loss gone wrong; told not
    to look for it, it leaves out the weights (1.9).

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
        """Take in one number."""
        self.total = self.total + value.to(self.total.dtype) * weight
        self.weight = self.weight + weight

    def compute(self) -> Tensor:
        """Divide."""
        return self.total / self.weight
