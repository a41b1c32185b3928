"""The merges at which the parts of a label meet."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.partition.labelled_tree import LabelledTree


class Meetings(NamedTuple):
    """The events of a tree: a merge joins two parts of a label; at most one per merge and label.

    Attributes:
        merge: [A].
        label: [A].
        left: [A], nodes of the label on the left side of the merge, at least 1.
        right: [A], on the right side, at least 1.
        next_merge: [A], the merge that next enlarges the part; K if there is none.
    """

    merge: Tensor
    label: Tensor
    left: Tensor
    right: Tensor
    next_merge: Tensor

    @property
    def size(self) -> Tensor:
        """[A], nodes of the label after the merge."""
        return self.left + self.right


def meetings(tree: LabelledTree) -> Meetings:
    """Find all merges that join two parts of a label.

    The nodes of a label in a cluster are an interval of its members, in the order of positions. So
    each merge at which parts meet belongs to one pair of neighbours, and is the highest merge
    between the two positions. Two binary searches find how many members the sides hold.

    Cost: O(n log n).
    """
    num_nodes, num_merges = tree.members.numel(), tree.start.numel()
    same = (tree.label[1:] == tree.label[:-1]).nonzero().view(-1)
    first = tree.members.index_select(0, same) + 1
    merge = range_max(tree.merge_at, first, tree.members.index_select(0, same + 1))
    met = (merge < num_merges).nonzero().view(-1)
    same, merge = same.index_select(0, met), merge.index_select(0, met)
    label = tree.label.index_select(0, same)
    key = tree.label * (num_nodes + 1) + tree.members
    low, high = (
        torch.searchsorted(key, label * (num_nodes + 1) + side.index_select(0, merge))
        for side in (tree.start, tree.end)
    )
    # Entry i is the merge at which members i - 1 and i meet.
    merge_at = torch.full_like(tree.merge_at, num_merges).scatter_(0, same + 1, merge)
    next_merge = torch.minimum(merge_at.index_select(0, low), merge_at.index_select(0, high))
    return Meetings(merge, label, same + 1 - low, high - same - 1, next_merge)


def common_pairs(tree: LabelledTree, events: Meetings) -> Tensor:
    """Return the number [K] of pairs of one label that meet at each merge, in float64."""
    count = torch.zeros_like(tree.start, dtype=torch.double)
    return count.index_add_(0, events.merge, (events.left * events.right).double())


def range_max(values: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Return the maximum [Q] of the values from ``first`` to ``last``, both [Q] and included.

    A range is the union of two whose length is a power of two; the maxima of all of these ranges
    are made level by level (sparse table), of which one is in memory at a time.

    Cost: O((L + Q) log L) for L values.

    >>> values = torch.tensor([3, 1, 4, 1, 5])
    >>> range_max(values, torch.tensor([0, 1, 3]), torch.tensor([1, 3, 3]))
    tensor([3, 4, 1])
    """
    level = torch.frexp((last - first + 1).double()).exponent - 1
    result = torch.empty_like(first)
    for index in range(int(level.max()) + 1 if level.numel() else 0):
        width = 2**index
        mine = (level == index).nonzero().view(-1)
        ends = (first.index_select(0, mine), last.index_select(0, mine) - width + 1)
        left, right = (values.index_select(0, end) for end in ends)
        result.index_copy_(0, mine, torch.maximum(left, right))
        values = torch.maximum(values[:-width], values[width:])
    return result
