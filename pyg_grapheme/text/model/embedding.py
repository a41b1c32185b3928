"""Features of units and tags without a fixed vocabulary."""

from torch import Tensor, nn

from pyg_grapheme.text.grapheme import CATEGORIES


class UnitEmbedding(nn.Module):
    """Embed units and tags by their hashes and kind.

    Every unit is the sum of several rows of one table, selected by independent hashes: two units
    that share one row hardly ever share all, and an unseen unit has features of its own.

    Source: Svenstrup et al. 2017, "Hash embeddings for efficient word representations".

    Args:
        channels: F.
        buckets: Rows of the table.

    Shapes: hashes [N, H], kind [N] -> [N, F].
    """

    def __init__(self, channels: int, buckets: int = 1024) -> None:
        super().__init__()
        self.buckets = buckets
        self.hashed = nn.EmbeddingBag(buckets, channels, mode="sum")
        self.kind = nn.Embedding(len(CATEGORIES) + 1, channels)
        self.norm = nn.LayerNorm(channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.hashed.weight, std=0.5)
        nn.init.normal_(self.kind.weight, std=0.5)
        self.norm.reset_parameters()

    def forward(self, hashes: Tensor, kind: Tensor) -> Tensor:
        """Embed N nodes."""
        x = self.hashed(hashes % self.buckets) + self.kind(kind)
        embedded: Tensor = self.norm(x)
        return embedded
