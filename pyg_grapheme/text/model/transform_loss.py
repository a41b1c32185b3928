"""What the text model is trained on: the exact expectation of its losses over all merges."""

import math
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch_geometric.utils import degree, to_dense_batch

from pyg_grapheme.nn.loss import GraphFeatures, StructuralLoss, one_hot_labels
from pyg_grapheme.nn.pool import Cuts, PoolOutput
from pyg_grapheme.options import expect_at_least, expect_between, expect_count, expect_one_of
from pyg_grapheme.text.model.common_prefix import common_starts
from pyg_grapheme.text.model.edit_lattice import shared_log_likelihood
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, TextState
from pyg_grapheme.text.model.lattice_rows import (
    distinct_rows,
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

    ``structural`` compares the pooled graph with the target's. It reaches the embedding, the
    encoder, the activation head and the pool, not the decoder. ``cross_entropy`` is on the
    edits; it reaches all but the activation head. ``hybrid`` is their sum.

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
    Cost: of a text of n units and a target of m, O(n^2 F) for its up to n merges and O(n^2 m) for
        their likelihoods; with ``max_cuts``, that many times O(n (F + m)). In memory, until the
        backward pass, O(n^2 F + n m F).
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

        cuts = net.pool.cuts(
            state.x,
            state.edge_index,
            None,
            state.batch,
            state.num_graphs,
            min_mass=self.min_mass if self.training else 1.0,
            max_cuts=self.max_cuts if self.training else None,
        )
        losses = torch.stack(self._at(net, pair, state, target, cuts), dim=1)
        expected = cuts.expectation(losses)
        return TransformLossOutput(*expected.unbind(1))

    def at_threshold(self, net: GraphTransformNet, pair: GraphPair) -> TransformLossOutput:
        """Losses of the one merge at the plain threshold."""
        state = net.encode(pair.source)
        output = net.merge(state)
        graph = torch.arange(state.num_graphs, device=state.x.device)
        node = torch.arange(state.x.size(0), device=state.x.device)
        one, zero = state.x.new_ones(state.num_graphs), state.x.new_zeros(state.num_graphs)
        cuts = Cuts(output, graph, node, state.batch, one, state.num_graphs, zero)
        return self._at(net, pair, state, _read_target(net, pair, state), cuts)

    def _at(
        self,
        net: GraphTransformNet,
        pair: GraphPair,
        state: TextState,
        target: "_Target",
        cuts: Cuts[PoolOutput],
    ) -> TransformLossOutput:
        """Losses of each of R cuts, [R] each."""
        structural = cross_entropy = state.x.new_zeros(cuts.num_cuts)
        if self.loss != "cross_entropy":
            structural = self.structural.compare(*_features(net, pair, cuts)).total
        if self.loss != "structural":
            cross_entropy = _edit_loss(net, state, target, cuts)
        total = self.structural_weight * structural + cross_entropy
        clusters = degree(cuts.output.batch, cuts.num_cuts, dtype=total.dtype)
        return TransformLossOutput(total, structural, cross_entropy, clusters)


def _features(
    net: GraphTransformNet, pair: GraphPair, cuts: Cuts[PoolOutput]
) -> tuple[GraphFeatures, GraphFeatures]:
    """The pooled graph of each cut, and the graph of the target it is to become."""
    source, target, dtype = pair.source, pair.target, cuts.output.x.dtype
    label, target_label = one_hot_labels(source.grapheme, target.grapheme, dtype)
    kind, target_kind = one_hot_labels(source.category, target.category, dtype)
    node = (~source.is_tag).nonzero().view(-1)[cuts.node]
    pooled = net.coarse_features(cuts.output, label[node], kind[node])
    wanted = GraphFeatures(
        target.activation.to(dtype),
        target_label,
        target_kind,
        target.edge_index,
        target.batch,
        target.num_graphs,
    )
    return pooled, wanted.take(cuts.graph)


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


def _edit_loss(
    net: GraphTransformNet, state: TextState, target: _Target, cuts: Cuts[PoolOutput]
) -> Tensor:
    """Negative log-likelihood of the targets, for every cut."""
    rows = edit_rows(cuts.output.x, cuts.output, state.end, cuts.graph)
    # A node is the same in every cut that has it: each is scored once.
    distinct, number = distinct_rows(rows)
    fits = rows_that_fit(distinct, target.runs, cuts.node)
    scored = net.decoder(distinct, target.written, target.number, fits)
    lengths = target.length[cuts.graph]
    return -shared_log_likelihood(scored, number, rows.size, rows.length, lengths)
