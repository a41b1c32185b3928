"""A learned score: the cosine of linearly mapped features."""

from torch import Tensor, nn
from torch.nn import functional as F


class ProjectedCosine(nn.Module):
    """Cosine of linearly mapped features, for features that serve other purposes too.

    Args:
        in_channels: F, features per node.
        out_channels: Features that the cosine compares.
        bias: Whether the map adds a learned vector. Nodes with small features then have a cosine
            near 1 at first, and differences are learned.

    Shapes: x_i, x_j [M, F] -> [M], in [-1, 1].
    """

    symmetric = True

    def __init__(self, in_channels: int, out_channels: int = 32, bias: bool = True) -> None:
        super().__init__()
        self.map = nn.Linear(in_channels, out_channels, bias=bias)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.map.reset_parameters()

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Score M pairs; edge attributes are ignored."""
        score: Tensor = F.cosine_similarity(self.map(x_i), self.map(x_j), dim=1)
        return score
