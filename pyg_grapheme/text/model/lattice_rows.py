"""The nodes of merged texts, and their ends, as the rows of lattices."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn.aggr import MeanAggregation
from torch_geometric.utils import cumsum, degree

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool import Clusters, PoolOutput, ThresholdMergePool
from pyg_grapheme.nn.pool.reduce import reduce_members


class LatticeRows(NamedTuple):
    """The U distinct nodes and ends of R merged texts, and the Q rows of which these consist.

    Attributes:
        x: [U, F].
        text: [U], the text of each.
        size: [U], units of each node, 0 for an end.
        start: [U], units of its text in front of it.
        first: [U], the node that went into the pool with which it begins; for an end, the one
            behind it.
        row: [Q], the node or end at each row of each merged text, in reading order.
        length: [R], rows of each merged text, its end included.
    """

    x: Tensor
    text: Tensor
    size: Tensor
    start: Tensor
    first: Tensor
    row: Tensor
    length: Tensor


def lattice_rows(x: Tensor, pooled: PoolOutput, end: Tensor) -> LatticeRows:
    """Return the rows of one merge of each of B texts; ``row`` is 0, 1, ...

    Args:
        x: [C, F], features of the merged nodes.
        pooled: Merges of B chains, which are chains: each node is an interval of its text.
        end: [B, F], features of the end of each text.

    Cost: O((C + B) (F + log(C + B))).
    """
    ptr = batch_ptr(pooled.batch, end.size(0))
    size = degree(pooled.history.cluster, x.size(0), dtype=torch.long)
    first = cumsum(size)
    rows = _with_ends(x, end, pooled.batch, size, first[:-1], first[ptr])
    order = rows[1].argsort(stable=True)
    x, text, size, start, first = (values[order] for values in rows)
    row = torch.arange(order.numel(), device=order.device)
    return LatticeRows(x, text, size, start, first, row, ptr.diff() + 1)


def cut_rows(x: Tensor, clusters: Clusters, cuts: CutSample, end: Tensor) -> LatticeRows:
    """Return the rows of R cuts of B texts, each cluster of a text once.

    The cuts of a text of n units have up to n (n + 1) / 2 nodes, but at most 2 n - 1 distinct ones.
    A cut of s steps consists of the clusters with ``birth <= s < death``. Clusters that are in none
    of the cuts are left out.

    Args:
        x: [U, F], features of the clusters.
        clusters: Of the dendrograms of B chains. The smaller node of each pair comes first, so the
            leaves of a tree are in reading order: a cluster is ``size`` nodes in a row.
        cuts: The cuts.
        end: [B, F], features of the end of each text.

    Cost: O((U + B) F + Q log Q), without a feature per row.
    """
    num_nodes, num_texts = clusters.order.numel(), end.size(0)
    ptr = batch_ptr(clusters.graph[:num_nodes], num_texts)
    first = clusters.order[clusters.start]
    rows = _with_ends(x, end, clusters.graph, clusters.size, first, ptr)
    # More than the number of steps of any text. Ends are in all cuts.
    base = num_nodes + 2
    birth = rows[1] * base + F.pad(clusters.birth, (0, num_texts))
    death = rows[1] * base + F.pad(clusters.death, (0, num_texts), value=base - 1)
    step = cuts.graph * base + cuts.level
    begin = torch.searchsorted(step, birth)
    count = torch.searchsorted(step, death) - begin
    kept = count.nonzero().view(-1)
    begin, count = begin[kept], count[kept]
    x, text, size, start, first = (values[kept] for values in rows)
    row = torch.repeat_interleave(count)
    cut = torch.arange(row.numel(), device=row.device) + (begin - cumsum(count)[:-1])[row]
    row = row[(cut * base + first[row]).argsort()]
    length = torch.bincount(cut, minlength=step.numel())
    return LatticeRows(x, text, size, start, first, row, length)


def _with_ends(
    x: Tensor, end: Tensor, text: Tensor, size: Tensor, first: Tensor, ptr: Tensor
) -> tuple[Tensor, ...]:
    """Append the ends to the nodes: the first five fields of :class:`LatticeRows`.

    Args:
        x: [C, F].
        end: [B, F].
        text: [C].
        size: [C].
        first: [C].
        ptr: [B + 1], the first node of each text that went into the pool.
    """
    text = torch.cat([text, torch.arange(end.size(0), device=text.device)])
    first = torch.cat([first, ptr[1:]])
    return torch.cat([x, end]), text, F.pad(size, (0, end.size(0))), first - ptr[text], first


def first_units(rows: LatticeRows, values: Tensor) -> Tensor:
    """Return the value of the first unit of each node, -1 for the ends.

    Args:
        rows: U nodes and ends of merged texts.
        values: [N, ...], integers, one per unit that was merged.

    Returns:
        [U, ...].
    """
    padded = torch.cat([values, values.new_full((1, *values.shape[1:]), -1)])
    return padded[torch.where(rows.size > 0, rows.first, values.size(0))]


def cluster_features(pool: ThresholdMergePool, x: Tensor, clusters: Clusters) -> Tensor:
    """Reduce the members of each cluster as the pool does, [N, F] -> [U, F].

    Differentiation: as that of the pool's ``reduce``; exact for means.
    Cost: O((N + U) F) for means; else O(F) per member of each cluster, O(n^2 F) at most per text.
    """
    if type(pool.reduce) is MeanAggregation:
        return clusters.mean(x)
    owner = torch.repeat_interleave(clusters.size)
    shift = clusters.start - cumsum(clusters.size)[:-1]
    node = clusters.order[torch.arange(owner.numel(), device=owner.device) + shift[owner]]
    return reduce_members(pool.reduce, x[node], owner, clusters.size.numel(), pool.raw_threshold)


def match_lengths(same: Tensor) -> Tensor:
    """Count how many units from each one on are those with which a target goes on.

    Args:
        same: [N, M], whether unit j of its target equals each unit of some texts, one text behind
            the other.

    Returns:
        [N, M + 1]. A match may extend into the next text; the size of a node says where it ends.

    Cost: O(N M log(min(N, M))).
    """
    run, length = F.pad(same.long(), (0, 1)), 1
    while length < min(same.shape):
        # Matches of up to twice the length: one that reaches the limit goes on where it was cut.
        behind = F.pad(run[length:, length:], (0, length, 0, length))
        run = torch.where(run == length, run + behind, run)
        length *= 2
    return run


class Matches(NamedTuple):
    """Matches of the units of N nodes with their target.

    Attributes:
        length: [N, M + 1], units from each one on with which the target goes on from unit j.
        case: [N, M + 1, 2], whether unit j of the target is the unit in upper or in lower case.
    """

    length: Tensor
    case: Tensor


def find_matches(label: Tensor, case: Tensor, target: Tensor) -> Matches:
    """Compare the units of some texts with their targets.

    Args:
        label: [N], label of each unit.
        case: [N, 2], label of each unit in upper and lower case; -1 for none.
        target: [N, M], labels of the units of the target of its text; padding of another label.

    Cost: O(N M log(min(N, M))).
    """
    mapped = (case[:, None] == target[..., None]) & (case >= 0)[:, None]
    return Matches(match_lengths(label[:, None] == target), F.pad(mapped, (0, 0, 0, 1)))


def copy_mask(rows: LatticeRows, matches: Matches) -> Tensor:
    """Return where a target goes on with all units of a node.

    Args:
        rows: U nodes and ends of merged texts.
        matches: Of the N units that were merged.

    Returns:
        [U, M + 1, 3], for the node as it is, with its first unit in upper case, in lower case;
        False for the ends.

    Cost: O(U M).
    """
    num_columns = matches.length.size(1)
    fits = matches.case.new_zeros(rows.size.numel(), num_columns, 3)
    node = (rows.size > 0).nonzero().view(-1)
    first, size = rows.first[node], rows.size[node, None]
    fits[node, :, 0] = matches.length[first] >= size
    # Behind the first unit, the others have to match from the next column on.
    rest = F.pad(matches.length, (0, 1, 0, 1))[first + 1, 1:]
    fits[node, :, 1:] = matches.case[first] & (rest >= size - 1)[..., None]
    return fits
