"""What a check is."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from pyg_grapheme.testing.specimens import Specimens


class Check(NamedTuple):
    """One thing that is asked of a pool.

    Attributes:
        judge: Raises where it does not hold; the pool and the graphs are its own.
        dtype: Precision that it wants both in.
    """

    judge: Callable[[nn.Module, Specimens], None]
    dtype: torch.dtype = torch.float


def expect_that(holds: bool, reason: str) -> None:
    """Raise an AssertionError with the reason, even where Python leaves out ``assert``."""
    if not holds:
        raise AssertionError(reason)
