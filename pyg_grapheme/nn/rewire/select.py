"""Select: the edges above the threshold."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.pool.candidates.candidates import pair_threshold
from pyg_grapheme.nn.rewire.candidates import PossibleEdges


class RewireSelection(NamedTuple):
    """The edges of the output.

    Attributes:
        edge_index: [2, E'].
        edge: [E'], the input edge of each, or -1.
    """

    edge_index: Tensor
    edge: Tensor


def select_edges(
    edges: PossibleEdges, pairs: Tensor, score: Tensor, threshold: Tensor
) -> RewireSelection:
    """Keep the edges whose candidate scores strictly above the threshold, or that have none.

    Args:
        edges: P edges.
        pairs: [2, M], the candidates.
        score: [M]; NaN is not above.
        threshold: Scalar, or [N], the same for all nodes of a graph.

    Differentiation: none; the selection is piecewise constant.
    Cost: O(P + M).
    """
    is_above = score.detach() > pair_threshold(threshold, pairs)
    kept = edges.spread(is_above, True).nonzero().view(-1)
    return RewireSelection(edges.edge_index.index_select(1, kept), edges.edge.index_select(0, kept))
