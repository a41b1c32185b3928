"""Features of graphemes and tags without a fixed vocabulary."""

from torch import Tensor, nn

from pyg_grapheme.text.grapheme import CATEGORIES


class GraphemeEmbedding(nn.Module):
    """Embed graphemes and tags by their hashes and category.

    Every grapheme is the sum of several rows of one table, picked by independent hashes (Svenstrup
    et al. 2017, "Hash embeddings for efficient word representations"): two graphemes that share
    one row hardly ever share all, and an unseen grapheme is neither an error nor the same unknown
    vector as all others.

    Args:
        channels: F.
        buckets: Rows of the table.

    Shapes: hashes [N, H], category [N] -> [N, F].
    """

    def __init__(self, channels: int, buckets: int = 1024) -> None:
        super().__init__()
        self.buckets = buckets
        self.hashed = nn.EmbeddingBag(buckets, channels, mode="sum")
        self.category = nn.Embedding(len(CATEGORIES) + 1, channels)
        self.norm = nn.LayerNorm(channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.hashed.weight, std=0.5)
        nn.init.normal_(self.category.weight, std=0.5)
        self.norm.reset_parameters()

    def forward(self, hashes: Tensor, category: Tensor) -> Tensor:
        """Embed N nodes."""
        x = self.hashed(hashes % self.buckets) + self.category(category)
        embedded: Tensor = self.norm(x)
        return embedded
