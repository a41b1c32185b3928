"""Likelihood of a target under an edit model: the sum over all edits that lead to it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.utils import cumsum

IMPOSSIBLE = -1e30
"""Log-probability of an impossible edit: finite, so that no difference of two of them is NaN."""

_LEAST_INSERT = -1e5
"""Lower clamp for insert log-probabilities, small enough to keep digits in the cumulative sum."""

_CELLS = 2**22
"""Maximum of rows times columns of the lattices that are summed at once."""


class EditScores(NamedTuple):
    """Log-probabilities of the edits at each row of B lattices, [Q, M + 1] each.

    The rows of a lattice are the nodes of one source in reading order, and one more for its end;
    column j stands for j written units of the target.

    Attributes:
        delete: The node is deleted; in the last row, the text ends.
        copy: The node is copied, all its units, with or without a case mapping; ``IMPOSSIBLE``
            where the target does not go on with them, and in the last row.
        substitute: Unit j of the target takes the place of the node; column M and the last row are
            ignored.
        insert: Unit j of the target is inserted in front of the node; column M is ignored.
    """

    delete: Tensor
    copy: Tensor
    substitute: Tensor
    insert: Tensor


def edit_log_likelihood(scores: EditScores, size: Tensor, rows: Tensor, length: Tensor) -> Tensor:
    """Sum the probabilities of all sequences of edits that turn each source into its target.

    At every node any number of units is inserted, then the node is copied, deleted or substituted;
    behind the last node units may be inserted, then the text ends.

    Args:
        scores: Of the rows of all lattices, one lattice after the other.
        size: [Q], units of each node: copying it moves on by as many columns.
        rows: [B], rows of each lattice, its end included, at least 1.
        length: [B], units of each target, at most M.

    Returns:
        [B], log-probabilities in nats, in the dtype of the scores.

    Differentiation: exact in the scores; the derivative by one of them is the posterior
        probability of that edit. Computes in float64, because the sums along a row are differences
        of large numbers.
    Cost: O(B max(rows) M), in max(rows) steps.

    Source: a stochastic edit distance (Ristad and Yianilos 1998, "Learning string-edit distance"),
    with probabilities that depend on both texts.
    """
    dtype = scores.delete.dtype
    lattice = torch.repeat_interleave(rows)
    row = torch.arange(lattice.numel(), device=rows.device) - cumsum(rows)[lattice]
    height, width = int(rows.max()) if rows.numel() else 0, scores.delete.size(1)

    def by_row(values: Tensor) -> tuple[Tensor, ...]:
        """Return one [B, ...] slice per row."""
        padded = values.new_full((height, rows.numel(), *values.shape[1:]), 0)
        return padded.index_put((row, lattice), values).unbind(0)

    # Insertions are a recurrence along the row, h[j] = logaddexp(top[j], h[j - 1] + insert[j - 1]).
    # Minus the cumulative sum of insert, it is a cumulative logarithm of a sum.
    inserted = scores.insert[:, :-1].double().clamp(min=_LEAST_INSERT).cumsum(1)
    inserted = F.pad(inserted, (1, 0))
    # The next row is reached from the same column if the node is deleted, from ``size`` columns
    # before if it is copied, from the column before if it is substituted.
    back = torch.arange(width, device=rows.device) - size[:, None]
    is_before, back = back < 0, back.clamp(min=0)
    copy = scores.copy.double().gather(1, back).masked_fill(is_before, IMPOSSIBLE)
    substitute = F.pad(scores.substitute[:, :-1].double(), (1, 0), value=IMPOSSIBLE)
    moves = torch.stack([scores.delete.double(), copy, substitute], dim=1)
    here = inserted.new_full((rows.numel(), width), IMPOSSIBLE)
    here[:, 0] = 0.0
    reached = []
    for insert, move, far in zip(by_row(inserted), by_row(moves), by_row(back), strict=True):
        here = insert + torch.logcumsumexp(here - insert, dim=1)
        reached.append(here)
        before = torch.stack([here, here.gather(1, far), F.pad(here[:, :-1], (1, 0))], dim=1)
        here = (before + move).logsumexp(dim=1)
    graph = torch.arange(rows.numel(), device=rows.device)
    ends = scores.delete.double()[rows.cumsum(0) - 1, length]
    return (torch.stack(reached)[rows - 1, graph, length] + ends).to(dtype)


def shared_log_likelihood(
    scores: EditScores, index: Tensor, size: Tensor, rows: Tensor, length: Tensor
) -> Tensor:
    """Sum the probabilities of all edits in lattices that share rows.

    Args:
        scores: Of the U distinct rows.
        index: [Q], the distinct row of each row; the rest as in :func:`edit_log_likelihood`.
        size: [Q].
        rows: [B].
        length: [B].

    Cost: O(B max(rows) M) in time. The backward pass needs as much memory, up to some millions of
        cells; beyond, cells are computed again, some lattices at a time, and O(U M) is kept.
    """
    ends = rows.cumsum(0)
    block = ((ends - 1) * scores.delete.size(1)).div(_CELLS, rounding_mode="floor")
    counts = torch.unique_consecutive(block, return_counts=True)[1].tolist()
    if len(counts) <= 1:
        return _gather_and_sum(*scores, index, size, rows, length)
    row_counts = [int(part.sum()) for part in torch.split(rows, counts)]
    parts = zip(
        *(torch.split(values, row_counts) for values in (index, size)),
        *(torch.split(values, counts) for values in (rows, length)),
        strict=True,
    )
    return torch.cat(
        [
            checkpoint(
                _gather_and_sum, *scores, *part, use_reentrant=False, preserve_rng_state=False
            )
            for part in parts
        ]
    )


def _gather_and_sum(
    delete: Tensor,
    copy: Tensor,
    substitute: Tensor,
    insert: Tensor,
    index: Tensor,
    size: Tensor,
    rows: Tensor,
    length: Tensor,
) -> Tensor:
    scores = EditScores(delete[index], copy[index], substitute[index], insert[index])
    return edit_log_likelihood(scores, size, rows, length)
