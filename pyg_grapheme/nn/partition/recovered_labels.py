"""The labels that a cut recovers: exactly, or by a double majority."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.partition.labelled_tree import LabelledTree
from pyg_grapheme.nn.partition.meetings import Meetings


class RecoveredLabels(NamedTuple):
    """How the numbers of recovered labels change from merge to merge.

    Attributes:
        at_start: [V], whether a label counts in both numbers before the first merge.
        exact: [K], change of the number of exactly recovered labels.
        majority: [K], change of the number of double majorities.
    """

    at_start: Tensor
    exact: Tensor
    majority: Tensor


def recovered_labels(tree: LabelledTree, events: Meetings, min_size: int) -> RecoveredLabels:
    """Return the labels of at least ``min_size`` nodes that clusters recover.

    A label is recovered exactly if a cluster holds all its nodes and no other. It has a double
    majority if a cluster holds more than half of its nodes, and these are more than half of the
    cluster; at most one cluster does.

    Both begin at a merge that enlarges the label's part. An exact cluster ends at the next merge; a
    majority, when the cluster is at least twice the part, or when the part grows again and is
    looked at anew.

    Cost: O((A + K) log b) for A events and the largest label size b.
    """
    size = events.size
    above = torch.cat([tree.merge_above(tree.start, tree.end), tree.merge_at[-1:]])
    cluster_size = torch.cat([tree.size, tree.size.new_full((1,), torch.iinfo(torch.long).max)])
    label_size = tree.label_size.index_select(0, events.label)
    held = cluster_size.index_select(0, events.merge)

    is_exact = (size == label_size) & (size == held) & (size >= min_size)
    exact = events.merge[is_exact]
    exact_end = above.index_select(0, exact)

    is_major = (2 * size > torch.maximum(label_size, held)) & (label_size >= min_size)
    major = is_major.nonzero().view(-1)
    limit, major_end = 2 * size.index_select(0, major), events.next_merge.index_select(0, major)
    major = events.merge.index_select(0, major)
    lost = _first_of_size(above, cluster_size, major, limit)
    major_end = torch.minimum(lost, major_end)

    # A label of one node has both from the start to the first merge of the node.
    is_single = (tree.label_size == 1) & (min_size == 1)
    single = tree.members[is_single.index_select(0, tree.label)]
    single_end = tree.merge_above(single, single + 1)

    def change(begin: Tensor, end: Tensor) -> Tensor:
        number = above.numel()
        ended = torch.bincount(torch.cat([end, single_end]), minlength=number)
        return (torch.bincount(begin, minlength=number) - ended)[:-1].double()

    return RecoveredLabels(is_single, change(exact, exact_end), change(major, major_end))


def _first_of_size(above: Tensor, cluster_size: Tensor, merge: Tensor, limit: Tensor) -> Tensor:
    """Return the first merge above each of some merges whose size reaches a limit, by doubling.

    Args:
        above: [K + 1], the merge above each; K above roots and K.
        cluster_size: [K + 1], rising along ``above``; infinite for K.
        merge: [Q], of fewer nodes than ``limit``, but at least half as many.
        limit: [Q].
    """
    num_levels = int(limit.max()).bit_length() if limit.numel() else 0
    powers = [above]
    for _ in range(2, num_levels):
        powers.append(powers[-1].index_select(0, powers[-1]))
    for power in reversed(powers):
        further = power.index_select(0, merge)
        merge = torch.where(cluster_size.index_select(0, further) < limit, further, merge)
    return above.index_select(0, merge)
