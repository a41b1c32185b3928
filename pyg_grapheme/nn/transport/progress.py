"""Bookkeeping of the iterations that both solvers share."""

from typing import NamedTuple

import torch
from torch import Tensor


class Solution(NamedTuple):
    """A plan [B, n1, n2], the error of its columns [B], iterations [B], and a trace if kept."""

    plan: Tensor
    error: Tensor
    iterations: Tensor
    trace: object = None


class Progress:
    """The pairs that still iterate, the error of each pair, and its iterations so far.

    A pair is inactive once its error is below the tolerance. A NaN error keeps it active.

    Args:
        a: [B, n1], row marginal. A pair without mass is inactive from the start.
        b: [B, n2], column marginal.
        max_iterations: Last iteration.
        tolerance: L1 error at which a pair is done.
    """

    def __init__(self, a: Tensor, b: Tensor, max_iterations: int, tolerance: float) -> None:
        self.active = (a.sum(1) > 0) & (b.sum(1) > 0)
        self.error = a.new_zeros(a.size(0))
        self.iterations = torch.zeros_like(self.active, dtype=torch.long)
        self.max_iterations, self.tolerance = max_iterations, tolerance
        self.last_checked = 0

    def is_check_step(self, step: int) -> bool:
        """Return whether to check the error after ``step`` iterations.

        A check costs as much as an iteration, so most steps have none.
        """
        return step in (1, 4) or step % 8 == 0 or step == self.max_iterations

    def update(self, step: int, error: Tensor) -> int:
        """Record the errors [B] after ``step`` iterations; return the number of active pairs."""
        self.iterations += (step - self.last_checked) * self.active
        self.last_checked = step
        self.error = torch.where(self.active, error, self.error)
        self.active = self.active & ~(error < self.tolerance)
        return int(self.active.sum())
