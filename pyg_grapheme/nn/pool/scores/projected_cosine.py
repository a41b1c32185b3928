"""A learned score: the cosine of what a linear map makes of the features."""

from torch import Tensor, nn
from torch.nn import functional as F


class ProjectedCosine(nn.Module):
    """Cosine of linearly mapped features, for a pool whose features have other work to do too.

    Args:
        in_channels: F, features of a node.
        out_channels: Of what they are mapped to.
        bias: Whether the map adds a learned vector, which all nodes then have in common: small
            features begin as alike, and what sets them apart is learned.

    Shapes: x_i, x_j [M, F] -> [M], in [-1, 1].
    """

    def __init__(self, in_channels: int, out_channels: int = 32, bias: bool = True) -> None:
        super().__init__()
        self.map = nn.Linear(in_channels, out_channels, bias=bias)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.map.reset_parameters()

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Score M pairs; the attributes of their edges are not looked at."""
        score: Tensor = F.cosine_similarity(self.map(x_i), self.map(x_j), dim=1)
        return score
