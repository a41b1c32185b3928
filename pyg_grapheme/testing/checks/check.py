"""A check of a pool."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from pyg_grapheme.testing.graphs import TestGraphs


class Check(NamedTuple):
    """A property that a pool should have.

    Attributes:
        run: Function that raises if the property does not hold; it may change pool and graphs.
        dtype: dtype of the pool and the graphs.
    """

    run: Callable[[nn.Module, TestGraphs], None]
    dtype: torch.dtype = torch.float


def expect_that(holds: bool, reason: str) -> None:
    """Raise an AssertionError with the reason, even under ``python -O``."""
    if not holds:
        raise AssertionError(reason)
