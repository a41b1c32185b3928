"""A learned score of pairs of nodes."""

import torch
from torch import Tensor, nn
from torch_geometric.nn import MLP

from pyg_grapheme.options import expect_count


class PairScorer(nn.Module):
    r"""Score pairs by a perceptron on what does not depend on their order.

    .. math:: s_{ij} = \text{MLP}([\,|x_i - x_j|,\; x_i x_j,\; e_{ij}\,])

    The scores are logits: use them with ``ThresholdMergePool(score=..., logits=True)``.

    Args:
        in_channels: F, features per node.
        edge_dim: D, features per edge; None to ignore edge attributes.
        hidden_channels: Width of the hidden layers.
        num_layers: Layers of the perceptron.

    Shapes: x_i, x_j [M, F], edge_attr [M, D], or [M] for D = 1 -> [M].

    Raises:
        ValueError: if an option is invalid, or ``edge_attr`` has not D numbers per pair.

    Differentiation: exact in all inputs.
    Cost: O(M (F + D) hidden_channels) for two layers.

    Example:
        >>> from pyg_grapheme.nn import ThresholdMergePool
        >>> scorer = PairScorer(in_channels=3)
        >>> x_i, x_j = torch.randn(5, 3), torch.randn(5, 3)
        >>> torch.equal(scorer(x_i, x_j), scorer(x_j, x_i))
        True
        >>> pool = ThresholdMergePool(score=scorer, logits=True)
        >>> pool.scores(x_i, torch.tensor([[0, 1], [1, 2]])).score.shape
        torch.Size([2])
    """

    symmetric = True

    def __init__(
        self,
        in_channels: int,
        edge_dim: int | None = None,
        hidden_channels: int = 64,
        num_layers: int = 2,
    ) -> None:
        super().__init__()
        self.in_channels = expect_count("in_channels", in_channels)
        self.edge_dim = None if edge_dim is None else expect_count("edge_dim", edge_dim)
        self.mlp = MLP(
            in_channels=2 * self.in_channels + (self.edge_dim or 0),
            hidden_channels=expect_count("hidden_channels", hidden_channels),
            out_channels=1,
            num_layers=expect_count("num_layers", num_layers),
            norm=None,
        )

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.mlp.reset_parameters()

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Return the logits of M pairs."""
        if x_i.dim() != 2 or x_i.size(1) != self.in_channels:
            raise ValueError(
                f"Expected 'x' to have in_channels={self.in_channels} features per node (got shape "
                f"{tuple(x_i.shape)})"
            )
        parts = [(x_i - x_j).abs(), x_i * x_j]
        if self.edge_dim is not None:
            parts.append(self._attributes(edge_attr, x_i.size(0)).to(x_i.dtype))
        logits: Tensor = self.mlp(torch.cat(parts, dim=1)).squeeze(1)
        return logits

    def _attributes(self, edge_attr: Tensor | None, num_pairs: int) -> Tensor:
        if edge_attr is not None and edge_attr.dim() == 1:
            edge_attr = edge_attr[:, None]
        if edge_attr is None or edge_attr.shape != (num_pairs, self.edge_dim):
            got = None if edge_attr is None else tuple(edge_attr.shape)
            raise ValueError(
                f"Expected 'edge_attr' to be edge_dim={self.edge_dim} numbers for each of "
                f"{num_pairs} pairs (got {got})"
            )
        return edge_attr
