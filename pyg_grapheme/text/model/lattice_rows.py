"""The nodes of merged texts, and their ends, in the order in which they are edited."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import degree

from pyg_grapheme.nn.pool import PoolOutput


class EditRows(NamedTuple):
    """The nodes of R merged texts, one more row behind each for its end: Q = C + R rows.

    Attributes:
        x: [Q, F].
        text: [Q], which text each is a merge of, for what the merges of one text share.
        size: [Q], units of each node, 0 of an end.
        start: [Q], units of its text in front of it.
        first: [Q], the node that went into the pool with which it begins; of an end, the one
            behind it.
        length: [R], rows of each, its end included.
    """

    x: Tensor
    text: Tensor
    size: Tensor
    start: Tensor
    first: Tensor
    length: Tensor


def edit_rows(x: Tensor, pooled: PoolOutput, end: Tensor, text: Tensor) -> EditRows:
    """Put an end behind the nodes of each merged text.

    Args:
        x: [C, F], features of the merged nodes.
        pooled: Merges of R chains, which have left them chains: each node is a stretch of its text.
        end: [B, F], features of the end of each text.
        text: [R], which text each is a merge of.

    Cost: O((C + R) F).
    """
    batch, cluster = pooled.batch, pooled.history.cluster
    nodes = degree(batch, text.numel(), dtype=torch.long)
    length = nodes + 1
    node = torch.arange(batch.numel(), device=x.device) + batch
    owner = torch.repeat_interleave(length)
    ends = length.cumsum(0) - 1
    rows = x.new_zeros(owner.numel(), x.size(1)).index_copy(0, node, x)
    rows = rows.index_copy(0, ends, end[text])
    members = degree(cluster, batch.numel(), dtype=torch.long)
    size = torch.zeros_like(owner).index_copy(0, node, members)
    first = size.cumsum(0) - size
    start = first - first[ends - nodes][owner]
    return EditRows(rows, text[owner], size, start, first, length)


class DistinctRows(NamedTuple):
    """Rows without those that stand for the same stretch of the same text as another.

    Attributes:
        rows: U rows, each by itself.
        number: [Q], which of them each row is.
    """

    rows: EditRows
    number: Tensor


def distinct_rows(rows: EditRows) -> DistinctRows:
    """Find the rows that differ.

    Merges of one text that are cuts of one dendrogram have up to n^2 / 2 nodes between them, but at
    most 2 n - 1 that differ: what depends on a row alone need not be worked out for each cut.

    Cost: O(Q log Q).
    """
    start, size = rows.start, rows.size
    width = int(start.max()) + 1 if start.numel() else 1
    key = (rows.text * width + start) * (width + 1) + size
    _, number = torch.unique(key, return_inverse=True)
    count = int(number.max()) + 1 if number.numel() else 0
    # Of equal rows any will do; the first, lest it be up to the order of writing.
    chosen = torch.full((count,), number.numel(), device=number.device)
    chosen.scatter_reduce_(0, number, torch.arange(number.numel(), device=number.device), "amin")
    x, text, size, start, first = (values[chosen] for values in rows[:5])
    alone = torch.ones_like(chosen)
    return DistinctRows(EditRows(x, text, size, start, first, alone), number)


def matching_runs(same: Tensor) -> Tensor:
    """Count how many units from each on are those with which a target goes on.

    Args:
        same: [N, M], whether unit j of its target is each unit of some texts, one text behind the
            other.

    Returns:
        [N, M + 1]. A run may go on into the next text; its own length says where a node ends.

    Cost: O(N M log(min(N, M))).
    """
    run, length = F.pad(same.long(), (0, 1)), 1
    while length < min(same.shape):
        # Runs of up to twice the length: what is cut short here goes on where it was cut.
        behind = F.pad(run[length:, length:], (0, length, 0, length))
        run = torch.where(run == length, run + behind, run)
        length *= 2
    return run


def rows_that_fit(rows: EditRows, runs: Tensor, node: Tensor) -> Tensor:
    """Say where a target goes on with all units of a node.

    Args:
        rows: Q rows of merged texts.
        runs: [N, M + 1], by :func:`matching_runs`.
        node: [N'], which of those N each node that went into the pool is a copy of.

    Returns:
        [Q, M + 1], False for the ends.

    Cost: O(Q M).
    """
    is_node = rows.size > 0
    fits = torch.zeros(rows.size.numel(), runs.size(1), dtype=torch.bool, device=runs.device)
    fits[is_node] = runs[node[rows.first[is_node]]] >= rows.size[is_node, None]
    return fits
