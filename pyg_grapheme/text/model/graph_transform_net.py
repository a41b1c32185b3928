"""The text model: read a text as a graph, merge it, and edit what it has become."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import scatter, subgraph

from pyg_grapheme.nn.pool import MergeHistory, PoolOutput, ThresholdMergePool
from pyg_grapheme.nn.pool.estimators.estimators import NoEstimator
from pyg_grapheme.options import expect_count, expect_one_of, expect_share
from pyg_grapheme.text.edits import Edits, apply_edits
from pyg_grapheme.text.graph import units_graph, units_graphs
from pyg_grapheme.text.model.chain_encoder import ChainEncoder
from pyg_grapheme.text.model.default_pool import default_pool
from pyg_grapheme.text.model.dropout import Dropout
from pyg_grapheme.text.model.edit_decoder import EditDecoder
from pyg_grapheme.text.model.embedding import GraphemeEmbedding
from pyg_grapheme.text.model.lattice_rows import edit_rows
from pyg_grapheme.text.model.read_trace import read_trace
from pyg_grapheme.text.model.write_edits import EmbeddedUnits, write_edits
from pyg_grapheme.text.typing import NormalForm, UnitsName
from pyg_grapheme.text.units import split_units
from pyg_grapheme.text.vocabulary import Vocabulary


class TextState(NamedTuple):
    """The units of B texts, encoded; tags have done their work and are gone.

    Attributes:
        x: [N, F].
        edge_index: [2, E], the chains.
        batch: [N], sorted.
        num_graphs: B.
        context: [B, D], the tags of each text.
        end: [B, F], what stands behind each text.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int
    context: Tensor
    end: Tensor


class Prediction(NamedTuple):
    """Edits of B texts, and what was merged on the way to them."""

    edits: list[Edits]
    history: MergeHistory


class GraphTransformNet(nn.Module):
    """Rewrite texts by editing their grapheme graphs.

    Units of a text are encoded in both directions; the pool merges neighbours that are to be
    treated alike; every node of the merged graph is then kept, left out or replaced as a whole, and
    any units may be written in front of it and at the end. Training goes through the exact
    expectation over what may be merged (``pool.dendrogram``) of the exact likelihood of the target,
    all edits that lead to it summed up; prediction goes through the plain threshold and takes the
    likeliest edit, one after the other.

    Args:
        vocabulary: The units that it can write; it reads and keeps any other as well.
        channels: F, a multiple of 4; half of it in the decoder, a quarter in the embedding.
        layers: Recurrent layers of the encoder.
        dropout: Probability of dropping a feature, and of training on a text without one of the
            decoder's readers. At 0 a loss that is worked out twice is the same.
        buckets: Rows of the hashed embedding.
        pool: The pool, its candidates the edges: what it merges has to be a stretch of the text.
            Training goes through its expectation over plain merges, so its estimator has to be
            "none". ``acyclic`` is refused: it changes nothing in a chain. By default one with a
            learned cosine.
        merges: Whether the pool is used at all; without it, every unit is edited by itself.
        form: Unicode normal form of the texts.
        source_units: What a node of a text that is read is.
        target_units: What is written at once.
        max_insert: Units inserted in one place at most when predicting.

    Example:
        >>> net = GraphTransformNet(["a", "b"], channels=8, layers=1).eval()
        >>> [type(text) for text in net(["some text", "👩‍🚀"])]
        [<class 'str'>, <class 'str'>]
    """

    identity: Tensor
    hashes: Tensor
    category: Tensor

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        channels: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
        buckets: int = 1024,
        pool: ThresholdMergePool | None = None,
        merges: bool = True,
        form: NormalForm = "NFC",
        source_units: UnitsName = "graphemes",
        target_units: UnitsName = "graphemes",
        max_insert: int = 64,
    ) -> None:
        super().__init__()
        for name, value in (("layers", layers), ("buckets", buckets), ("max_insert", max_insert)):
            expect_count(name, value)
        if channels < 4 or channels % 4:
            raise ValueError(f"Expected 'channels' to be a positive multiple of 4 (got {channels})")
        expect_share("dropout", dropout)
        expect_one_of("candidates of 'pool'", getattr(pool, "candidates", "edges"), ("edges",))
        if pool is not None and not isinstance(pool.estimator, NoEstimator):
            raise ValueError(f"Expected 'pool' to have estimator 'none' (got {pool.estimator})")
        if pool is not None and pool.acyclic:
            raise ValueError("Expected 'pool' to have acyclic=False: chains stay so (got True)")
        self.vocabulary = Vocabulary(vocabulary)
        self.form: NormalForm = form
        self.source_units: UnitsName = source_units
        self.target_units: UnitsName = target_units
        self.max_insert = max_insert
        embedded = channels // 4
        self.embedding = GraphemeEmbedding(embedded, buckets)
        self.encoder = ChainEncoder(2 * embedded, channels, layers, dropout)
        self.pool = default_pool(channels) if pool is None else pool
        self.merges = merges
        if not merges:
            self.pool.requires_grad_(False)
        self.decoder = EditDecoder(channels, embedded, len(self.vocabulary), channels // 2, dropout)
        self.activation = nn.Linear(channels, 1)
        self.dropout = Dropout(dropout)
        vocabulary_graph = units_graph(self.vocabulary.units)
        self.register_buffer("identity", vocabulary_graph.grapheme, persistent=False)
        self.register_buffer("hashes", vocabulary_graph.hashes, persistent=False)
        self.register_buffer("category", vocabulary_graph.category, persistent=False)

    def encode(self, graphs: Data) -> TextState:
        """Embed and encode a batch of text graphs; keep the units, drop the tags."""
        batch = graphs.batch
        num_graphs = int(graphs.num_graphs) if batch is not None else 1
        if batch is None:
            batch = torch.zeros(graphs.num_nodes, dtype=torch.long, device=graphs.hashes.device)
        embedded = self.embedding(graphs.hashes, graphs.category)
        text = ~graphs.is_tag
        tags = embedded[graphs.is_tag]
        context = scatter(tags, batch[graphs.is_tag], dim_size=num_graphs, reduce="sum")
        owner = batch[text]
        x = self.dropout(torch.cat([embedded[text], context[owner]], dim=1))
        x, end = self.encoder(x, owner, num_graphs)
        edges, _ = subgraph(text, graphs.edge_index, relabel_nodes=True, num_nodes=text.numel())
        return TextState(x, edges, owner, num_graphs, context, end)

    def merge(self, state: TextState) -> PoolOutput:
        """Pool at the plain threshold; every unit by itself where nothing is to be merged."""
        x, edge_index, batch, num_graphs = state[:4]
        if self.merges:
            output: PoolOutput = self.pool(x, edge_index, None, batch, num_graphs)
            return output
        history = MergeHistory.identity(x.size(0), num_graphs, x.device)
        return PoolOutput(x, edge_index, None, batch, history)

    def predict(self, graphs: Data) -> Prediction:
        """Predict the edits of a batch of text graphs, the likeliest one at each step."""
        state = self.encode(graphs)
        pooled = self.merge(state)
        rows = edit_rows(pooled.x, pooled, state.end)
        units = ~graphs.is_tag
        embedded = self.embedding(graphs.hashes[units], graphs.category[units])
        trace = write_edits(
            self.decoder,
            rows,
            state.context,
            EmbeddedUnits(self.identity, self.embedding(self.hashes, self.category)),
            EmbeddedUnits(graphs.grapheme[units], embedded),
            self.max_insert,
        )
        texts = graphs.text if isinstance(graphs, Batch) else [graphs.text]
        return Prediction(read_trace(trace, rows, texts, self.vocabulary), pooled.history)

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
        expect_texts(texts, tags)
        if not texts:
            return []
        units = [split_units(text, self.source_units, self.form) for text in texts]
        batch, device = units_graphs(units, tags), self.activation.weight.device
        if batch.hashes.device != device:  # to move nothing takes long, with so many texts in it
            batch = batch.to(device)
        with torch.no_grad():
            edits = self.predict(batch).edits
        return [apply_edits(e, self.form, self.target_units) for e in edits]


def expect_texts(texts: Sequence[str], tags: Sequence[Sequence[str]]) -> None:
    """Check what is to be rewritten.

    Raises:
        ValueError: if a text is empty, or the numbers of texts and tags differ.
    """
    if isinstance(texts, str) or any(isinstance(tag, str) for tag in tags):
        raise ValueError("Expected 'texts' and each of 'tags' to be lists of texts (got a text)")
    if tags and len(tags) != len(texts):
        raise ValueError(
            f"Expected 'tags' to have {len(texts)} entries, one a text (got {len(tags)})"
        )
    for i, text in enumerate(texts):
        if not text:
            raise ValueError(f"Expected text {i} of 'texts' to have a character (got '')")
