"""Quotients with a defined value of 0 / 0."""

import torch
from torch import Tensor


def ratio(part: Tensor, whole: Tensor, empty: Tensor | float = 1.0) -> Tensor:
    """Return part over whole; ``empty`` where the whole is 0."""
    is_empty = whole == 0
    return torch.where(is_empty, empty, part / whole.masked_fill(is_empty, 1))
