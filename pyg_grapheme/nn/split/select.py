"""Select: the nodes that split, and the places of their children."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum


class SplitSelection(NamedTuple):
    """Nodes that split into two children, and the output nodes: these follow the input's order.

    Attributes:
        is_split: [N], bool.
        parent: [C], the input node of each output node; sorted. Two children are neighbours.
        first: [N], the output node of each input node, or the first of its two children.
    """

    is_split: Tensor
    parent: Tensor
    first: Tensor

    @property
    def split(self) -> Tensor:
        """[S], the nodes that split, in ascending order."""
        return self.is_split.nonzero().view(-1)

    @property
    def last(self) -> Tensor:
        """[N], the output node of each input node, or the second of its two children."""
        return self.first + self.is_split


def select_nodes(score: Tensor, threshold: Tensor | float) -> SplitSelection:
    """Select the nodes that score strictly above the threshold.

    Args:
        score: [N]; NaN is not above.
        threshold: A scalar, or [N], the same for all nodes of a graph.

    Differentiation: none; the selection is piecewise constant.
    Cost: O(N).

    >>> select_nodes(torch.tensor([0.1, 0.9, 0.3]), 0.5).parent
    tensor([0, 1, 1, 2])
    """
    return place_children(score.detach() > threshold)


def place_children(is_split: Tensor) -> SplitSelection:
    """Return the selection of the nodes of a mask [N]. Cost: O(N)."""
    num_children = 1 + is_split.long()
    nodes = torch.repeat_interleave(num_children)
    return SplitSelection(is_split, nodes, cumsum(num_children)[:-1])
