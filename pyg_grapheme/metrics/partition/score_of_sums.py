"""A score of graphs that is a function of sums, for torchmetrics."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from pyg_grapheme.metrics.state_name import state_name
from pyg_grapheme.options import expect_flag


class ScoreOfSums(Metric):
    """The score of all graphs of all updates and processes.

    Args:
        num_sums: The number of sums that the score is a function of.
        options: All that the state depends on, besides the class and ``pooled``.
        pooled: False for the mean of the scores over graphs, True for the score of the sums over
            all graphs.
        kwargs: Options of ``torchmetrics.Metric``.
    """

    is_differentiable = False
    full_state_update = False

    num_graphs: Tensor

    def __init__(self, num_sums: int, *options: object, pooled: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        expect_flag("pooled", pooled)
        self.pooled = pooled
        total = torch.zeros(num_sums if pooled else 1, dtype=torch.double)
        self._total = state_name(self, "total", *options)
        self.add_state(self._total, total, dist_reduce_fx="sum")
        self.add_state("num_graphs", torch.tensor(0), dist_reduce_fx="sum")

    @property
    def total(self) -> Tensor:
        """[num_sums] if pooled, else [1], the sum of the scores."""
        total: Tensor = getattr(self, self._total)
        return total

    @abstractmethod
    def score(self, sums: tuple[Tensor, ...]) -> Tensor:
        """Return the score of sums; all have one shape, that of the score."""

    def add(self, sums: tuple[Tensor, ...]) -> None:
        """Add the sums of B graphs, each [B]."""
        values = torch.stack(sums if self.pooled else (self.score(sums),))
        self.total.add_(values.sum(1).to(self.total))
        self.num_graphs += values.size(1)

    def compute(self) -> Tensor:
        """Return the score, in float64; a mean over no graphs is NaN."""
        if self.pooled:
            return self.score(self.total.unbind())
        return self.total[0] / self.num_graphs
