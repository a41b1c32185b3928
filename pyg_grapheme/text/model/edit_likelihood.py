"""Likelihood of targets under the edits of a text model, for given merges."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import to_dense_batch

from pyg_grapheme.text.model.common_prefix import common_prefixes, following_units
from pyg_grapheme.text.model.edit_lattice import shared_log_likelihood
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, TextState
from pyg_grapheme.text.model.lattice_rows import (
    LatticeRows,
    Matches,
    copy_mask,
    find_matches,
    first_units,
)
from pyg_grapheme.text.readers.pairs import GraphPair


class EncodedTarget(NamedTuple):
    """The targets of B texts, as the decoder reads them: what no merge changes.

    Attributes:
        unit: [B, M], index of each unit in the vocabulary; negative where it has none.
        length: [B].
        prefix: [B, M + 1, H].
        repeats: [B, M + 1, 2], index of the last unit of each prefix, and of the unit that follows
            it in the source; negative for none.
        matches: The places where the N units of the sources match the targets.
        case: [N, 2], label of each of them in upper and in lower case; -1 for none.
        source_unit: [N], index of each of them in the vocabulary; negative where it has none.
    """

    unit: Tensor
    length: Tensor
    prefix: Tensor
    repeats: Tensor
    matches: Matches
    case: Tensor
    source_unit: Tensor


def encode_target(net: GraphTransformNet, pair: GraphPair, state: TextState) -> EncodedTarget:
    """Let the decoder of a model read the targets of a batch of pairs."""
    source, target = pair
    size = state.num_graphs
    embedded, inside = to_dense_batch(
        net.embedding(target.hashes, target.kind), target.batch, batch_size=size
    )
    unit, _ = to_dense_batch(target.unit, target.batch, fill_value=-1, batch_size=size)
    label, _ = to_dense_batch(target.label, target.batch, fill_value=-2, batch_size=size)
    is_unit = ~source.is_tag
    read, case = source.label[is_unit], source.case[is_unit]
    begins, there = to_dense_batch(read, state.batch, batch_size=size)
    length = there.sum(dim=1)
    common, num_new = common_prefixes(length, begins, label)
    context = net.decoder.decoder_context(state.context, length[:, None] - common, num_new)
    prefix = net.decoder.encode_prefix(embedded, num_new[:, 1:], context).state
    matches = find_matches(read, case, label[state.batch])
    known = net.index(read)
    source_unit, _ = to_dense_batch(known, state.batch, fill_value=-1, batch_size=size)
    last = F.pad(unit, (1, 0), value=-1)
    repeats = torch.stack([last, following_units(source_unit, last)], dim=2)
    return EncodedTarget(unit, inside.sum(dim=1), prefix, repeats, matches, case, known)


def edit_likelihood(
    net: GraphTransformNet, target: EncodedTarget, rows: LatticeRows, text: Tensor
) -> Tensor:
    """Return the log-probability of the target of each of R merged texts.

    Args:
        net: The model.
        target: The encoded targets.
        rows: Rows of the R merged texts.
        text: [R], the text of each.

    Returns:
        [R], in nats.
    """
    allowed = net.decoder.allowed_operations(rows.size > 0, first_units(rows, target.case))
    copies, first = copy_mask(rows, target.matches), first_units(rows, target.source_unit)
    scored = net.decoder(rows, target.prefix, target.unit, target.repeats, copies, allowed, first)
    size, length = rows.size[rows.row], target.length[text]
    return shared_log_likelihood(scored, rows.row, size, rows.length, length)
