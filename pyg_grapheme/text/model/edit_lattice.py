"""Likelihood of a target under an edit model: the sum over all edits that lead to it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

IMPOSSIBLE = -1e30
"""Log-probability of what can't be: finite, so that no difference of two of them is NaN."""

_LEAST_INSERT = -1e5
"""Of inserting, which is summed up and taken off again: as good as impossible, with digits left."""

_CELLS = 2**22
"""Rows times columns of the lattices that are summed up at once."""


class EditScores(NamedTuple):
    """Log-probabilities of what may happen at each row of B lattices, [Q, M + 1] each.

    The rows of a lattice are the nodes of one source in reading order, and one more for its end;
    column j stands where j units of the target have been written.

    Attributes:
        delete: That the node is left out; in the last row, that the text ends here.
        keep: That the node is copied, all its units; ``IMPOSSIBLE`` where the target does not go on
            with them, and in the last row.
        substitute: That unit j of the target takes the node's place; column M is ignored, so is
            the last row.
        insert: That unit j of the target is written in front of the node; column M is ignored.
    """

    delete: Tensor
    keep: Tensor
    substitute: Tensor
    insert: Tensor


def edit_log_likelihood(scores: EditScores, size: Tensor, rows: Tensor, length: Tensor) -> Tensor:
    """Sum the probabilities of all sequences of edits that turn each source into its target.

    At every node any number of units is inserted, then the node is kept, deleted or substituted;
    behind the last node units may be inserted, then the text ends.

    Args:
        scores: Of the rows of all lattices, one lattice after the other.
        size: [Q], units of each node, by which keeping it moves on in the target.
        rows: [B], rows of each lattice, its end included, at least 1.
        length: [B], units of each target, at most M.

    Returns:
        [B], log-probabilities in nats, in the dtype of the scores.

    Differentiation: exact in the scores (the derivative by one of them is the posterior
        probability of that edit). Works in float64 within, for the sums along a row are
        differences of large numbers.
    Cost: O(B max(rows) M), in max(rows) steps.

    Source: a stochastic edit distance (Ristad and Yianilos 1998, "Learning string-edit distance"),
    with probabilities that depend on both texts.
    """
    dtype = scores.delete.dtype
    lattice = torch.repeat_interleave(rows)
    row = torch.arange(lattice.numel(), device=rows.device) - (rows.cumsum(0) - rows)[lattice]
    height, width = int(rows.max()) if rows.numel() else 0, scores.delete.size(1)

    def laid_out(values: Tensor) -> tuple[Tensor, ...]:
        """One [B, ...] slice a row."""
        padded = values.new_full((height, rows.numel(), *values.shape[1:]), 0)
        return padded.index_put((row, lattice), values).unbind(0)

    # Inserting is a recurrence along the row, h[j] = logaddexp(top[j], h[j - 1] + insert[j - 1]):
    # with the sums of insert taken off, it is a cumulative logarithm of a sum.
    inserted = scores.insert[:, :-1].double().clamp(min=_LEAST_INSERT).cumsum(1)
    inserted = F.pad(inserted, (1, 0))
    # What leads on to the next row comes from this column if the node is deleted, from its size
    # further back if it is kept, from the one before if it is substituted.
    back = torch.arange(width, device=rows.device) - size[:, None]
    barred, back = back < 0, back.clamp(min=0)
    keep = scores.keep.double().gather(1, back).masked_fill(barred, IMPOSSIBLE)
    substitute = F.pad(scores.substitute[:, :-1].double(), (1, 0), value=IMPOSSIBLE)
    moves = torch.stack([scores.delete.double(), keep, substitute], dim=1)
    here = inserted.new_full((rows.numel(), width), IMPOSSIBLE)
    here[:, 0] = 0.0
    passed = []
    for insert, move, far in zip(laid_out(inserted), laid_out(moves), laid_out(back), strict=True):
        here = insert + torch.logcumsumexp(here - insert, dim=1)
        passed.append(here)
        came = torch.stack([here, here.gather(1, far), F.pad(here[:, :-1], (1, 0))], dim=1)
        here = (came + move).logsumexp(dim=1)
    graph = torch.arange(rows.numel(), device=rows.device)
    ends = scores.delete.double()[rows.cumsum(0) - 1, length]
    return (torch.stack(passed)[rows - 1, graph, length] + ends).to(dtype)


def shared_log_likelihood(
    scores: EditScores, number: Tensor, size: Tensor, rows: Tensor, length: Tensor
) -> Tensor:
    """Sum the probabilities of all edits in lattices some of whose rows are the same.

    Args:
        scores: Of the U rows that differ.
        number: [Q], which of them each row is; the rest as in :func:`edit_log_likelihood`.
        size: [Q].
        rows: [B].
        length: [B].

    Cost: O(B max(rows) M) in time. What it keeps for the backward pass is that, up to some
        millions; beyond, it is worked out again, some lattices at a time, and only O(U M) is kept.
    """
    ends = rows.cumsum(0)
    block = ((ends - 1) * scores.delete.size(1)).div(_CELLS, rounding_mode="floor")
    counts = torch.unique_consecutive(block, return_counts=True)[1].tolist()
    if len(counts) <= 1:
        return _gathered(*scores, number, size, rows, length)
    held = [int(part.sum()) for part in torch.split(rows, counts)]
    parts = zip(
        *(torch.split(values, held) for values in (number, size)),
        *(torch.split(values, counts) for values in (rows, length)),
        strict=True,
    )
    return torch.cat(
        [
            checkpoint(_gathered, *scores, *part, use_reentrant=False, preserve_rng_state=False)
            for part in parts
        ]
    )


def _gathered(
    delete: Tensor,
    keep: Tensor,
    substitute: Tensor,
    insert: Tensor,
    number: Tensor,
    size: Tensor,
    rows: Tensor,
    length: Tensor,
) -> Tensor:
    scores = EditScores(delete[number], keep[number], substitute[number], insert[number])
    return edit_log_likelihood(scores, size, rows, length)
