"""Cross-entropy of edits."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import scatter

from pyg_grapheme.data.graph import IGNORE_LABEL
from pyg_grapheme.nn.heads import EditHeads, EditLogits


def edit_cross_entropy(
    heads: EditHeads,
    logits: EditLogits,
    operation: Tensor,
    insert_length: Tensor,
    insert_grapheme: Tensor,
    num_graphs: int,
) -> Tensor:
    """Negative log-likelihood of given edits, summed over each text, in nats.

    Args:
        heads: The heads that the logits come from; they spell the insertions.
        logits: Of N graphemes and N + B gaps.
        operation: [N]: 0 keep, 1 delete, 2 + v write grapheme v.
        insert_length: [N + B], how many graphemes are inserted at each gap.
        insert_grapheme: [sum of those], which. Labels ``IGNORE_LABEL`` count as nothing.
        num_graphs: B.

    Returns:
        [B].

    Differentiation: exact in the logits and the parameters of the heads.
    Cost: O((N V + inserted) F).
    """
    kept = F.cross_entropy(logits.operation, operation, reduction="none", ignore_index=IGNORE_LABEL)
    loss: Tensor = scatter(kept, logits.batch, dim_size=num_graphs)
    opens = (insert_length > 0).to(logits.opens.dtype)
    opened = F.binary_cross_entropy_with_logits(logits.opens, opens, reduction="none")
    loss = loss + scatter(opened, logits.gap_batch, dim_size=num_graphs)
    gap = insert_length.nonzero().view(-1)
    if gap.numel() == 0:
        return loss
    length = insert_length[gap]
    spelled = heads.spell(logits.gap[gap], length, insert_grapheme)
    label, owner = _with_ends(insert_grapheme, length, heads.vocabulary_size)
    spelling = F.cross_entropy(spelled, label, reduction="none", ignore_index=IGNORE_LABEL)
    spelt: Tensor = scatter(spelling, logits.gap_batch[gap][owner], dim_size=num_graphs)
    return loss + spelt


def _with_ends(grapheme: Tensor, length: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """Put an end behind each insertion; return the labels and the insertion of each."""
    label = grapheme.new_full((grapheme.numel() + length.numel(),), end)
    owner = torch.repeat_interleave(length)
    label[torch.arange(grapheme.numel(), device=grapheme.device) + owner] = grapheme
    return label, torch.repeat_interleave(length + 1)
