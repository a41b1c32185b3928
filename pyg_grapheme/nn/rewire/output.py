"""The result of rewiring."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.rewire.history import RewireHistory


class RewireOutput(NamedTuple):
    """The edges of a graph on the same nodes, and their history.

    Attributes:
        edge_index: [2, E'], graph by graph; in each, the input edges that are kept, in their order,
            then the inserted ones, sorted by row, then column.
        edge_attr: [E'] or [E', D]; None if the input had none.
        history: The input edge of each output edge.
    """

    edge_index: Tensor
    edge_attr: Tensor | None
    history: RewireHistory
