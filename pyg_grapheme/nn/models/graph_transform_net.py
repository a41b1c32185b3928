"""The text model: read a text as a graph, merge it, and edit it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import scatter, subgraph

from pyg_grapheme.data.edits import DELETE, KEEP, Edits, apply_edits
from pyg_grapheme.data.graph import DELETE_LABEL, KEEP_LABEL, SUBSTITUTE_LABEL, text_graph
from pyg_grapheme.data.vocabulary import Vocabulary
from pyg_grapheme.nn.embedding import GraphemeEmbedding
from pyg_grapheme.nn.encoder import GraphEncoder
from pyg_grapheme.nn.heads import EditHeads, EditLogits
from pyg_grapheme.nn.loss.graph_features import GraphFeatures
from pyg_grapheme.nn.pool import MergeHistory, PoolOutput, ThresholdMergePool
from pyg_grapheme.typing import NormalForm


class TextState(NamedTuple):
    """The graphemes of B texts, encoded; tags have done their work and are gone.

    Attributes:
        x: [N, F].
        edge_index: [2, E], the chains.
        batch: [N], sorted.
        num_graphs: B.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int


class Prediction(NamedTuple):
    """Edits of B texts, and what was merged on the way to them."""

    edits: list[Edits]
    history: MergeHistory


class GraphTransformNet(nn.Module):
    """Rewrite texts by editing their grapheme graphs.

    A U-net with one level: embedding, encoder, then pool, message passing on the coarse graph,
    lift back, join, edit heads. The pool merges neighbouring graphemes whose encoded features are
    alike; training goes through its exact expectation (``pool.expect``), prediction through its
    plain threshold.

    Args:
        vocabulary: The graphemes that it can write; it reads and keeps any other as well.
        channels: F, a multiple of ``heads`` and of 2.
        layers: Encoder layers before the pool; there is one more on the coarse graph.
        heads: Attention heads a layer.
        dropout: Probability of dropping a feature.
        buckets: Rows of the hashed embedding.
        pool: The pool. Training goes through its expectation over plain merges, so the estimator
            shall be "none", as it is if this is None: a gate would scale what it predicts from.
        form: Unicode normal form of the texts.
        max_insert: Graphemes inserted at one gap at most when predicting.

    Example:
        >>> net = GraphTransformNet(["a", "b"], channels=8, layers=1, heads=2).eval()
        >>> [type(text) for text in net(["some text", "👩‍🚀"])]
        [<class 'str'>, <class 'str'>]
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        channels: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        buckets: int = 1024,
        pool: ThresholdMergePool | None = None,
        form: NormalForm = "NFC",
        max_insert: int = 64,
    ) -> None:
        super().__init__()
        for name, value in (("layers", layers), ("heads", heads), ("buckets", buckets)):
            if value < 1:
                raise ValueError(f"Expected '{name}' to be at least 1 (got {value})")
        if channels < 2 or channels % 2 or channels % heads:
            raise ValueError(
                f"Expected 'channels' to be a positive multiple of 2 and of 'heads' = {heads} "
                f"(got {channels})"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"Expected 'dropout' to be in [0, 1) (got {dropout})")
        self.vocabulary = Vocabulary(vocabulary)
        self.form: NormalForm = form
        self.max_insert = max_insert
        self.embedding = GraphemeEmbedding(channels, buckets, dropout)
        self.encoder = GraphEncoder(channels, layers, heads, dropout)
        self.pool = ThresholdMergePool(estimator="none") if pool is None else pool
        self.coarse = GraphEncoder(channels, 1, heads, dropout)
        self.join = nn.Linear(2 * channels, channels)
        self.heads = EditHeads(channels, len(self.vocabulary), dropout)
        self.activation = nn.Linear(channels, 1)

    def encode(self, graphs: Data) -> TextState:
        """Embed and encode a batch of text graphs; keep the graphemes, drop the tags."""
        batch = graphs.batch
        num_graphs = int(graphs.num_graphs) if batch is not None else 1
        if batch is None:
            batch = torch.zeros(graphs.num_nodes, dtype=torch.long, device=graphs.hashes.device)
        x = self.embedding(graphs.hashes, graphs.category, graphs.position)
        x = self.encoder(x, graphs.edge_index, batch)
        text = ~graphs.is_tag
        edges, _ = subgraph(text, graphs.edge_index, relabel_nodes=True, num_nodes=text.numel())
        return TextState(x[text], edges, batch[text], num_graphs)

    def merge(self, state: TextState) -> PoolOutput:
        """Pool at the plain threshold."""
        output: PoolOutput = self.pool(
            state.x, state.edge_index, None, state.batch, state.num_graphs
        )
        return output

    def decode(self, x: Tensor, batch: Tensor, pooled: PoolOutput) -> EditLogits:
        """Work on the coarse graph, lift back, join, and score the edits.

        Args:
            x: [N, F], the graphemes that went into the pool: all of them, or their copies in cuts.
            batch: [N].
            pooled: What came out of it.
        """
        coarse = self.coarse(pooled.x, pooled.edge_index, pooled.batch)
        joined = torch.cat([x, pooled.history.lift(coarse)], dim=1)
        logits: EditLogits = self.heads(x + self.join(joined), batch, pooled.history.num_graphs)
        return logits

    def coarse_features(self, pooled: PoolOutput, label: Tensor, category: Tensor) -> GraphFeatures:
        """What ``StructuralLoss`` compares of pooled graphs.

        Args:
            pooled: The pooled graphs.
            label: [N, V], distributions over graphemes of the nodes that went in.
            category: [N, K], the same over categories.
        """
        history = pooled.history
        kinds = torch.cat([label, category], dim=1)
        kinds = scatter(kinds, history.cluster, dim_size=history.num_clusters, reduce="mean")
        label, category = kinds.split([label.size(1), category.size(1)], dim=1)
        activation = self.activation(pooled.x).squeeze(-1)
        return GraphFeatures(
            activation, label, category, pooled.edge_index, pooled.batch, history.num_graphs
        )

    def predict(self, graphs: Data) -> Prediction:
        """Predict the edits of a batch of text graphs, each the likeliest by itself."""
        state = self.encode(graphs)
        pooled = self.merge(state)
        logits = self.decode(state.x, state.batch, pooled)
        operations = logits.operation.argmax(-1).tolist()
        gaps = (logits.opens > 0).nonzero().view(-1)
        written = self.heads.write(logits.gap[gaps], self.max_insert).tolist()
        inserted = dict(zip(gaps.tolist(), map(self._spelled, written), strict=True))
        texts = graphs.text if isinstance(graphs, Batch) else [graphs.text]
        edits = []
        node = gap = 0
        for text in texts:
            n = len(text)
            kept = tuple(map(self._operation, operations[node : node + n]))
            gaps_here = tuple(inserted.get(i, ()) for i in range(gap, gap + n + 1))
            edits.append(Edits(tuple(text), kept, gaps_here))
            node, gap = node + n, gap + n + 1
        return Prediction(edits, pooled.history)

    def forward(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[str]:
        """Rewrite texts.

        Args:
            texts: B texts.
            tags: The tags of each, or nothing.

        Returns:
            B texts.

        Raises:
            ValueError: if a text is empty, or the numbers of texts and tags differ.
        """
        if isinstance(texts, str) or any(isinstance(tag, str) for tag in tags):
            raise ValueError(
                "Expected 'texts' and each of 'tags' to be lists of texts (got a text)"
            )
        if tags and len(tags) != len(texts):
            raise ValueError(
                f"Expected 'tags' to have {len(texts)} entries, one a text (got {len(tags)})"
            )
        for i, text in enumerate(texts):
            if not text:
                raise ValueError(f"Expected text {i} of 'texts' to have a character (got '')")
        if not texts:
            return []
        graphs = [
            text_graph(text, tags[i] if tags else (), self.form) for i, text in enumerate(texts)
        ]
        device = self.join.weight.device
        batch = Batch.from_data_list(graphs).to(device)
        with torch.no_grad():
            return [apply_edits(edits) for edits in self.predict(batch).edits]

    def _operation(self, label: int) -> str | None:
        if label == KEEP_LABEL:
            return KEEP
        return DELETE if label == DELETE_LABEL else self.vocabulary[label - SUBSTITUTE_LABEL]

    def _spelled(self, numbers: list[int]) -> tuple[str, ...]:
        end = len(self.vocabulary)
        return tuple(self.vocabulary[number] for number in numbers if number != end)
