"""The result of the split."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.split.history import SplitHistory


class SplitOutput(NamedTuple):
    """A finer graph, in the order of PyG's pools, and its split history.

    Attributes:
        x: [C, F].
        edge_index: [2, E'].
        edge_attr: [E'] or [E', D]; None if the input had none.
        batch: [C], sorted.
        history: The parent of each output node.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    history: SplitHistory
