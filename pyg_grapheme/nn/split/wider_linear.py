"""A linear map that takes features of any float dtype."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WiderLinear(nn.Linear):
    """A linear map in the wider of the dtypes of its input and its weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x [N, F] to [N, D]."""
        dtype = torch.promote_types(x.dtype, self.weight.dtype)
        bias = None if self.bias is None else self.bias.to(dtype)
        return F.linear(x.to(dtype), self.weight.to(dtype), bias)
