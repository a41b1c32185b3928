"""The default children of a node."""

import torch
from torch import Tensor, nn

from pyg_grapheme.nn.split.wider_linear import WiderLinear


class MirroredChildren(nn.Module):
    """Two children x + W x and x - W x, whose mean is x.

    Args:
        in_channels: F, features per node.

    Shapes: x [S, F] -> [S, 2, F].
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.map = WiderLinear(in_channels, in_channels, bias=False)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.map.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Return the two children of each node."""
        offset = self.map(x)
        return torch.stack([x + offset, x - offset], dim=1)
