"""The losses of the text model: exact expectations over all merges."""

import math
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch_geometric.utils import cumsum

from pyg_grapheme.nn.loss import GraphFeatures, StructuralLoss, one_hot_labels
from pyg_grapheme.options import expect_at_least, expect_between, expect_count, expect_one_of
from pyg_grapheme.text.model.edit_likelihood import EncodedTarget, edit_likelihood, encode_target
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet
from pyg_grapheme.text.model.lattice_rows import (
    LatticeRows,
    cluster_features,
    cut_rows,
    lattice_rows,
)
from pyg_grapheme.text.readers.pairs import GraphPair
from pyg_grapheme.text.typing import LossName


class TransformLossOutput(NamedTuple):
    """Losses of B pairs of texts.

    Attributes:
        total: [B], the loss to minimise.
        structural: [B], difference between the merged graph and the graph of the target; 0 if it is
            not part of the loss.
        cross_entropy: [B], of the edits, in nats per text; 0 if it is not part of the loss.
        clusters: [B], number of nodes of the merged graph.
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
        loss: "structural", "cross_entropy" or "hybrid".
        structural: The structural loss.
        structural_weight: Weight of the structural loss in ``hybrid``.
        max_cuts: In training, sample this many cuts of every text that has more (unbiased).
        min_mass: In training, leave out improbable cuts of a text until this share of the
            probability is left.

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
        if not net.use_pool:
            return self.at_threshold(net, pair)
        state = net.encode(pair.source)
        target = encode_target(net, pair, state)
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
        rows = lattice_rows(output.x, output, state.end)
        text = torch.arange(state.num_graphs, device=state.x.device)
        return self._at(net, pair, encode_target(net, pair, state), rows, text)

    def _at(
        self,
        net: GraphTransformNet,
        pair: GraphPair,
        target: EncodedTarget,
        rows: LatticeRows,
        text: Tensor,
    ) -> TransformLossOutput:
        """Losses of each of R merges of the texts [R], [R] each."""
        structural = cross_entropy = rows.x.new_zeros(text.numel())
        if self.loss != "cross_entropy":
            structural = self.structural.compare(*_features(net, pair, rows, text)).total
        if self.loss != "structural":
            cross_entropy = -edit_likelihood(net, target, rows, text)
        total = self.structural_weight * structural + cross_entropy
        return TransformLossOutput(
            total, structural, cross_entropy, (rows.length - 1).to(total.dtype)
        )


def _features(
    net: GraphTransformNet, pair: GraphPair, rows: LatticeRows, text: Tensor
) -> tuple[GraphFeatures, GraphFeatures]:
    """Return the graph of each merge, and the graph of the target that it is to become."""
    source, target, dtype = pair.source, pair.target, rows.x.dtype
    label, target_label = one_hot_labels(source.label, target.label, dtype)
    kind, target_kind = one_hot_labels(source.kind, target.kind, dtype)
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
