"""A mean over pairs of graphs, for torchmetrics."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torchmetrics import Metric

from pyg_grapheme.metrics.state_name import state_name


class PairMean(Metric):
    """The mean of a value per pair of graphs, over all pairs of all updates and processes.

    Args:
        options: All options of the comparison.
        kwargs: Options of ``torchmetrics.Metric``.
    """

    is_differentiable = False
    full_state_update = False

    num_pairs: Tensor

    def __init__(self, *options: object, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._total = state_name(self, "total", *options)
        self.add_state(self._total, torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("num_pairs", torch.tensor(0), dist_reduce_fx="sum")

    @property
    def total(self) -> Tensor:
        """The sum of the values, a scalar."""
        total: Tensor = getattr(self, self._total)
        return total

    @abstractmethod
    def compare(self, first: Data, second: Data) -> Tensor:
        """Compare graph b of ``first`` with graph b of ``second``, [B]."""

    def update(self, first: Data, second: Data) -> None:
        """Add pairs: graph b of ``first`` with graph b of ``second``."""
        values = self.compare(first, second)
        self.total.add_(values.sum().to(self.total))
        self.num_pairs += values.numel()

    def compute(self) -> Tensor:
        """Return the mean over all pairs; NaN if there are none."""
        return self.total / self.num_pairs
