"""What the text model is trained on: the exact expectation of its losses over all merges."""

import math
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch_geometric.utils import cumsum, to_dense_batch

from pyg_grapheme.nn.loss import GraphFeatures, StructuralLoss, one_hot_labels
from pyg_grapheme.options import expect_at_least, expect_between, expect_count, expect_one_of
from pyg_grapheme.text.model.common_prefix import common_starts
from pyg_grapheme.text.model.edit_lattice import shared_log_likelihood
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, TextState
from pyg_grapheme.text.model.lattice_rows import (
    EditRows,
    cluster_features,
    cut_rows,
    edit_rows,
    matching_runs,
    rows_that_fit,
)
from pyg_grapheme.text.readers.pairs import GraphPair
from pyg_grapheme.text.typing import LossName


class TransformLossOutput(NamedTuple):
    """Losses of B pairs of texts.

    Attributes:
        total: [B], what is minimised.
        structural: [B], difference of the pooled graph from the target's; 0 if not asked for.
        cross_entropy: [B], of the edits, in nats a text; 0 if not asked for.
        clusters: [B], number of coarse nodes.
    """

    total: Tensor
    structural: Tensor
    cross_entropy: Tensor
    clusters: Tensor


class TransformLoss(nn.Module):
    """Losses of a :class:`GraphTransformNet` on pairs of texts.

    ``structural`` compares the merged graph with the target's. It reaches the embedding, the
    encoder, the activation head and the pool, not the decoder. ``cross_entropy`` is on the
    edits; it reaches all but the activation head. ``hybrid`` is their sum. Both come from the
    clusters of the pool's dendrogram; no pooled graph is built.

    Args:
        loss: Which.
        structural: How graphs are compared.
        structural_weight: Weight of the structural loss in ``hybrid``.
        max_cuts: Of a text with more cuts than this, so many are drawn while training.
        min_mass: Share of the probability of all cuts of a text to work out at least while
            training.

    Differentiation: :meth:`forward` is the exact expectation over the threshold's noise, and so is
        its gradient; of texts whose cuts are drawn, both are unbiased. With ``min_mass`` below 1
        they are those of the merges that are left, their probabilities scaled up to a sum of 1.
    Cost: per text of n units, of which at most 2 n - 1 clusters differ, and target of m, O(n F)
        for the features of the clusters, O(n m H (H + V)) for their scores, and O(n^2 m) for the
        likelihoods of up to n cuts; O(n m) per cut with ``max_cuts``. Until the backward pass, the
        scores take O(n m H) memory. The structural loss takes O(n^2 (V + m)).
    """

    def __init__(
        self,
        loss: LossName = "hybrid",
        structural: StructuralLoss | None = None,
        structural_weight: float = 1.0,
        max_cuts: int | None = None,
        min_mass: float = 1.0,
    ) -> None:
        super().__init__()
        self.min_mass = expect_between("min_mass", min_mass, 0, math.nextafter(1, 2), "in (0, 1]")
        expect_one_of("loss", loss, get_args(LossName))
        self.max_cuts = None if max_cuts is None else expect_count("max_cuts", max_cuts)
        self.loss = loss
        self.structural = StructuralLoss() if structural is None else structural
        weight = expect_at_least("structural_weight", structural_weight, 0)
        self.structural_weight = weight if loss == "hybrid" else 1.0

    def forward(self, net: GraphTransformNet, pair: GraphPair) -> TransformLossOutput:
        """Expected losses over all merges that the threshold's noise can lead to."""
        if not net.merges:
            return self.at_threshold(net, pair)
        state = net.encode(pair.source)
        target = _read_target(net, pair, state)
        tree = net.pool.dendrogram(state.x, state.edge_index, None, state.batch, state.num_graphs)
        bounds = (self.min_mass, self.max_cuts) if self.training else ()
        cuts = tree.sample(*bounds)
        clusters = tree.clusters()
        x = cluster_features(net.pool, state.x, clusters)
        rows = cut_rows(x, clusters, cuts, state.end)
        losses = torch.stack(self._at(net, pair, target, rows, cuts.graph), dim=1)
        return TransformLossOutput(*cuts.expectation(losses).unbind(1))

    def at_threshold(self, net: GraphTransformNet, pair: GraphPair) -> TransformLossOutput:
        """Losses of the one merge at the plain threshold."""
        state = net.encode(pair.source)
        output = net.merge(state)
        rows = edit_rows(output.x, output, state.end)
        text = torch.arange(state.num_graphs, device=state.x.device)
        return self._at(net, pair, _read_target(net, pair, state), rows, text)

    def _at(
        self,
        net: GraphTransformNet,
        pair: GraphPair,
        target: "_Target",
        rows: EditRows,
        text: Tensor,
    ) -> TransformLossOutput:
        """Losses of each of R merges of the texts [R], [R] each."""
        structural = cross_entropy = rows.x.new_zeros(text.numel())
        if self.loss != "cross_entropy":
            structural = self.structural.compare(*_features(net, pair, rows, text)).total
        if self.loss != "structural":
            cross_entropy = _edit_loss(net, target, rows, text)
        total = self.structural_weight * structural + cross_entropy
        return TransformLossOutput(
            total, structural, cross_entropy, (rows.length - 1).to(total.dtype)
        )


def _features(
    net: GraphTransformNet, pair: GraphPair, rows: EditRows, text: Tensor
) -> tuple[GraphFeatures, GraphFeatures]:
    """Return the graph of each merge, and the graph of the target that it is to become."""
    source, target, dtype = pair.source, pair.target, rows.x.dtype
    label, target_label = one_hot_labels(source.grapheme, target.grapheme, dtype)
    kind, target_kind = one_hot_labels(source.category, target.category, dtype)
    # Sums of ones are exact: each node is the mean of the units from its first one on.
    counts = cumsum(torch.cat([label, kind], dim=1)[~source.is_tag].float())
    total = (counts[rows.first + rows.size] - counts[rows.first]).to(dtype)
    mean_label, mean_kind = (total / rows.size.clamp(min=1)[:, None]).split(
        [label.size(1), kind.size(1)], dim=1
    )
    row = rows.row[rows.size[rows.row] > 0]
    batch = torch.repeat_interleave(rows.length - 1)
    before = (batch[1:] == batch[:-1]).nonzero().view(-1)
    merged = GraphFeatures(
        net.activation(rows.x).squeeze(-1)[row],
        mean_label[row],
        mean_kind[row],
        torch.stack([before, before + 1]),
        batch,
        text.numel(),
    )
    wanted = GraphFeatures(
        target.activation.to(dtype),
        target_label,
        target_kind,
        target.edge_index,
        target.batch,
        target.num_graphs,
    )
    return merged, wanted.take(text)


class _Target(NamedTuple):
    """The targets of B texts, as the decoder reads them.

    Attributes:
        number: [B, M], of each unit in the vocabulary; negative where it has none.
        length: [B].
        written: [B, M + 1, H].
        runs: [N, M + 1], units of its target from j on that are those from each of a source on.
    """

    number: Tensor
    length: Tensor
    written: Tensor
    runs: Tensor


def _read_target(net: GraphTransformNet, pair: GraphPair, state: TextState) -> _Target:
    """Let the decoder read the targets, which no merge changes."""
    source, target = pair
    size = state.num_graphs
    units = net.embedding(target.hashes, target.category)
    embedded, inside = to_dense_batch(units, target.batch, batch_size=size)
    number, _ = to_dense_batch(target.unit, target.batch, fill_value=-1, batch_size=size)
    grapheme, _ = to_dense_batch(target.grapheme, target.batch, fill_value=-2, batch_size=size)
    read = source.grapheme[~source.is_tag]
    begins, there = to_dense_batch(read, state.batch, batch_size=size)
    length = there.sum(dim=1)
    common, since = common_starts(length, begins, grapheme)
    context = net.decoder.situate(state.context, length[:, None] - common, since)
    written = net.decoder.read(embedded, since[:, 1:], context).state
    runs = matching_runs(read[:, None] == grapheme[state.batch])
    return _Target(number, inside.sum(dim=1), written, runs)


def _edit_loss(net: GraphTransformNet, target: _Target, rows: EditRows, text: Tensor) -> Tensor:
    """Return the negative log-likelihood of the targets, for every merge."""
    fits = rows_that_fit(rows, target.runs)
    scored = net.decoder(rows, target.written, target.number, fits)
    size, length = rows.size[rows.row], target.length[text]
    return -shared_log_likelihood(scored, rows.row, size, rows.length, length)
