"""The result of the pool."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.pool.history import MergeHistory


class PoolOutput(NamedTuple):
    """A coarser graph, in the order of PyG's pools, and its merge history.

    Attributes:
        x: [C, F].
        edge_index: [2, E'], sorted by row.
        edge_attr: [E'] or [E', D]; None if the input had none.
        batch: [C], sorted.
        history: The cluster of each input node.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    history: MergeHistory
