"""The text model: read a text as a graph, merge it, and edit the merged graph."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import scatter, subgraph

from pyg_grapheme.nn.pool import MergeHistory, PoolOutput, ThresholdMergePool
from pyg_grapheme.nn.pool.estimators.estimators import NoEstimator
from pyg_grapheme.options import expect_count, expect_one_of, expect_share
from pyg_grapheme.text.edits import CaseMapping, Edits, written_units
from pyg_grapheme.text.graph import units_graph, units_graphs
from pyg_grapheme.text.model.chain_encoder import ChainEncoder
from pyg_grapheme.text.model.default_pool import default_pool
from pyg_grapheme.text.model.edit_decoder import EditDecoder
from pyg_grapheme.text.model.edit_search import SourceUnits, search_edits
from pyg_grapheme.text.model.embedding import UnitEmbedding
from pyg_grapheme.text.model.lattice_rows import lattice_rows
from pyg_grapheme.text.model.read_path import read_path
from pyg_grapheme.text.units import TextUnits, expect_text_units
from pyg_grapheme.text.vocabulary import Vocabulary


class TextState(NamedTuple):
    """The encoded units of B texts, without the nodes of the tags.

    Attributes:
        x: [N, F].
        edge_index: [2, E], the candidates for merging.
        batch: [N], sorted.
        num_graphs: B.
        context: [B, D], the tags of each text.
        end: [B, F], the end of each text.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    num_graphs: int
    context: Tensor
    end: Tensor


class Prediction(NamedTuple):
    """Edits of B texts, and the merges on which they are based.

    Attributes:
        alternatives: The edits that the search found for each text, the most probable first.
        history: The merges.
    """

    alternatives: list[list[Edits]]
    history: MergeHistory

    @property
    def edits(self) -> list[Edits]:
        """The most probable edits of each text."""
        return [found[0] for found in self.alternatives]


class GraphTransformNet(nn.Module):
    """Rewrite texts by editing their graphs.

    The units of a text are encoded in both directions; the pool merges neighbours that are treated
    alike; every node of the merged graph is then deleted, substituted or copied as a whole, and any
    units may be inserted in front of it and at the end. A copy keeps the units, or maps the case of
    the first one. Training uses the exact expectation over the merges (``pool.dendrogram``) of the
    exact likelihood of the target, summed over all edits that lead to it. Prediction merges at the
    plain threshold and searches for the most probable edits.

    Args:
        vocabulary: Units that it can write; it can read and copy any other.
        channels: F, a multiple of 4; the decoder has half of it, the embedding a quarter.
        layers: Recurrent layers of the encoder.
        dropout: Probability of dropping a feature, and of training on a text without one of the
            two networks that read the prefix. At 0, the loss is deterministic.
        buckets: Rows of the hashed embedding.
        pool: The pool; its candidates have to be the edges, so that a cluster is a stretch of the
            text. Its estimator has to be "none", because training uses the expectation.
            ``acyclic`` is refused: it has no effect in a chain. By default :func:`default_pool`.
        use_pool: Whether nodes are merged at all; otherwise every unit is edited by itself.
        merge_graphemes: Whether merging is limited to the code points of one grapheme cluster.
        map_case: Whether a copy may map the case of its first unit.
        source: Units of the texts to rewrite.
        target: Units of what it writes.
        max_insert: Maximum of units inserted in one place in prediction.

    Example:
        >>> net = GraphTransformNet(["a", "b"], channels=8, layers=1).eval()
        >>> [type(text) for text in net(["some text", "👩‍🚀"])]
        [<class 'str'>, <class 'str'>]
    """

    labels: Tensor
    hashes: Tensor
    kinds: Tensor

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        channels: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
        buckets: int = 1024,
        pool: ThresholdMergePool | None = None,
        use_pool: bool = True,
        merge_graphemes: bool = False,
        map_case: bool = True,
        source: TextUnits = TextUnits(),
        target: TextUnits = TextUnits(),
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
        for name, units in (("source", source), ("target", target)):
            expect_text_units(name, units)
        if merge_graphemes and source.kind != "codepoints":
            raise ValueError(
                f"Expected 'source' to be code points with merge_graphemes=True (got {source})"
            )
        self.vocabulary = Vocabulary(vocabulary)
        self.source, self.target, self.max_insert = source, target, max_insert
        embedded = channels // 4
        self.embedding = UnitEmbedding(embedded, buckets)
        self.encoder = ChainEncoder(2 * embedded, channels, layers, dropout)
        self.pool = default_pool(channels) if pool is None else pool
        self.use_pool, self.merge_graphemes = use_pool, merge_graphemes
        if not use_pool:
            self.pool.requires_grad_(False)
        self.decoder = EditDecoder(
            channels, embedded, len(self.vocabulary), channels // 2, dropout, map_case=map_case
        )
        self.activation = nn.Linear(channels, 1)
        self.dropout = nn.Dropout(dropout)
        vocabulary_graph = units_graph(self.vocabulary.units)
        self.register_buffer("labels", vocabulary_graph.label, persistent=False)
        self.register_buffer("hashes", vocabulary_graph.hashes, persistent=False)
        self.register_buffer("kinds", vocabulary_graph.kind, persistent=False)

    def encode(self, graphs: Data) -> TextState:
        """Embed and encode a batch of text graphs; keep the units, drop the tags."""
        batch = graphs.batch
        num_graphs = int(graphs.num_graphs) if batch is not None else 1
        if batch is None:
            batch = torch.zeros(graphs.num_nodes, dtype=torch.long, device=graphs.hashes.device)
        embedded = self.embedding(graphs.hashes, graphs.kind)
        text = ~graphs.is_tag
        tags = embedded[graphs.is_tag]
        context = scatter(tags, batch[graphs.is_tag], dim_size=num_graphs, reduce="sum")
        owner = batch[text]
        x = self.dropout(torch.cat([embedded[text], context[owner]], dim=1))
        x, end = self.encoder(x, owner, num_graphs)
        edges = graphs.edge_index
        if self.merge_graphemes:
            first, second = graphs.grapheme[edges]
            edges = edges[:, first == second]
        edges, _ = subgraph(text, edges, relabel_nodes=True, num_nodes=text.numel())
        return TextState(x, edges, owner, num_graphs, context, end)

    def index(self, label: Tensor) -> Tensor:
        """Return the index in the vocabulary of units with some labels; -1 if they have none."""
        if self.labels.numel() == 0:
            return torch.full_like(label, -1)
        ordered, order = self.labels.sort()
        place = torch.searchsorted(ordered, label).clamp(max=ordered.numel() - 1)
        return torch.where(ordered[place] == label, order[place], -1)

    def merge(self, state: TextState) -> PoolOutput:
        """Merge at the plain threshold; without the pool, return every unit by itself."""
        x, edge_index, batch, num_graphs = state[:4]
        if self.use_pool:
            output: PoolOutput = self.pool(x, edge_index, None, batch, num_graphs)
            return output
        history = MergeHistory.identity(x.size(0), num_graphs, x.device)
        return PoolOutput(x, edge_index, None, batch, history)

    def predict(self, graphs: Data, beam: int = 1) -> Prediction:
        """Search for the most probable edits of a batch of text graphs.

        Args:
            graphs: Graphs of texts, as of :meth:`read`.
            beam: Hypotheses per text; 1 takes the most probable edit at each step.
        """
        expect_count("beam", beam)
        state = self.encode(graphs)
        pooled = self.merge(state)
        rows = lattice_rows(pooled.x, pooled, state.end)
        texts = graphs.text if isinstance(graphs, Batch) else [graphs.text]
        paths = search_edits(
            self.decoder,
            rows,
            state.context,
            (self.labels, self.embedding(self.hashes, self.kinds)),
            self._source_units(graphs, texts),
            self.max_insert,
            beam,
        )
        start = rows.start.tolist()
        edits = [
            [read_path(path, start, units, self.vocabulary) for path in found]
            for found, units in zip(paths, texts, strict=True)
        ]
        return Prediction(edits, pooled.history)

    def _source_units(self, graphs: Data, texts: Sequence[Sequence[str]]) -> SourceUnits:
        """Embed the units of the texts, as they are, in upper case and in lower case."""
        is_unit = ~graphs.is_tag
        case = graphs.case[is_unit]
        label = graphs.label[is_unit].repeat(1 + len(CaseMapping), 1)
        plain = self.embedding(graphs.hashes[is_unit], graphs.kind[is_unit])
        x = plain.repeat(1 + len(CaseMapping), 1, 1)
        units = [unit for text in texts for unit in text]
        for row, mapping in enumerate(CaseMapping if self.decoder.map_case else (), start=1):
            changed = (case[:, row - 1] >= 0).nonzero().view(-1)
            mapped = [mapping.map_first(units[place]) or "" for place in changed.tolist()]
            distinct = {unit: index for index, unit in enumerate(dict.fromkeys(mapped))}
            graph = units_graph(list(distinct)).to(plain.device)
            index = torch.tensor([distinct[unit] for unit in mapped], dtype=torch.long)
            x[row, changed] = self.embedding(graph.hashes, graph.kind)[index.to(plain.device)]
            label[row, changed] = case[changed, row - 1]
        return SourceUnits(case, label, self.index(label), x)

    def read(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> Batch:
        """Turn texts into a batch of graphs of their units.

        Args:
            texts: B texts.
            tags: Tags of each text, or nothing.

        Raises:
            ValueError: if a text is empty, or the numbers of texts and tags differ.
        """
        expect_texts(texts, tags)
        graphs = units_graphs([self.source.split(text) for text in texts], tags)
        device = self.activation.weight.device
        # `Batch.to` is slow even as a no-op.
        return graphs if graphs.hashes.device == device else graphs.to(device)

    def write(self, edits: Edits) -> str:
        """Carry out edits of the units of a text and write the result as a text."""
        return self.target.join(written_units(edits))

    def forward(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[str]:
        """Rewrite texts by the most probable edit at each step.

        Args:
            texts: B texts.
            tags: Tags of each text, or nothing.

        Returns:
            B texts.

        Raises:
            ValueError: if a text is empty, or the numbers of texts and tags differ.
        """
        graphs = self.read(texts, tags)
        if not texts:
            return []
        with torch.no_grad():
            return [self.write(edits) for edits in self.predict(graphs).edits]


def expect_texts(texts: Sequence[str], tags: Sequence[Sequence[str]]) -> None:
    """Refuse texts that cannot be rewritten.

    Raises:
        ValueError: if a text is empty, or the numbers of texts and tags differ.
    """
    if isinstance(texts, str) or any(isinstance(tag, str) for tag in tags):
        raise ValueError("Expected 'texts' and each of 'tags' to be lists of texts (got a text)")
    if tags and len(tags) != len(texts):
        raise ValueError(
            f"Expected 'tags' to have {len(texts)} entries, one per text (got {len(tags)})"
        )
    for i, text in enumerate(texts):
        if not text:
            raise ValueError(f"Expected text {i} of 'texts' to have a character (got '')")
