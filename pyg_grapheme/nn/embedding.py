"""Node features without a fixed vocabulary."""

from torch import Tensor, nn
from torch_geometric.nn import PositionalEncoding

from pyg_grapheme.data.grapheme import CATEGORIES


class GraphemeEmbedding(nn.Module):
    """Embed graphemes and tags by their hashes, category, and place in the text.

    Every grapheme is the sum of several rows of one table, picked by independent hashes (Svenstrup
    et al. 2017, "Hash embeddings for efficient word representations"): two graphemes that share
    one row hardly ever share all, and an unseen grapheme is neither an error nor the same unknown
    vector as all others. The place is counted from both ends (sinusoidal).

    Args:
        channels: F, even.
        buckets: Rows of the table.
        dropout: Probability of dropping a feature.

    Shapes: hashes [N, H], category [N], position [N, 2] (-1 for tags) -> [N, F].
    """

    def __init__(self, channels: int, buckets: int = 1024, dropout: float = 0.0) -> None:
        super().__init__()
        self.buckets = buckets
        self.hashed = nn.EmbeddingBag(buckets, channels, mode="sum")
        self.category = nn.Embedding(len(CATEGORIES) + 1, channels)
        self.encoding = PositionalEncoding(channels)
        self.place = nn.Linear(2 * channels, channels, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        nn.init.normal_(self.hashed.weight, std=0.5)
        nn.init.normal_(self.category.weight, std=0.5)
        self.place.reset_parameters()
        self.norm.reset_parameters()

    def forward(self, hashes: Tensor, category: Tensor, position: Tensor) -> Tensor:
        """Embed N nodes."""
        x = self.hashed(hashes % self.buckets) + self.category(category)
        places = self.encoding(position.view(-1).to(x.dtype)).view(-1, 2 * x.size(1))
        in_text = (position[:, :1] >= 0).to(x.dtype)
        x = x + self.place(places.to(x.dtype) * in_text)
        embedded: Tensor = self.dropout(self.norm(x))
        return embedded
