"""One graph of a batch, as the arrays that an assignment is worked out on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_grapheme.metrics.labelled_batch import LabelledBatch


class LabelledGraph(NamedTuple):
    """A graph of n nodes.

    Attributes:
        label: [n], integers.
        arcs: [n, n], whether an edge goes from row to column; self-loops are on the diagonal.
    """

    label: NDArray[np.int64]
    arcs: NDArray[np.bool_]


def split_graphs(graphs: LabelledBatch) -> list[LabelledGraph]:
    """Take a batch apart; O(sum of n^2)."""
    label, batch = graphs.label.numpy(), graphs.batch.numpy()
    tail, head = graphs.edge_index.numpy()
    start = np.searchsorted(batch, np.arange(graphs.num_graphs + 1))
    # Edges are sorted by their tail, and so by their graph.
    first_edge = np.searchsorted(tail, start)
    found = []
    for b, low in enumerate(start[:-1]):
        edges = slice(first_edge[b], first_edge[b + 1])
        size = start[b + 1] - low
        arcs = np.zeros((size, size), dtype=bool)
        arcs[tail[edges] - low, head[edges] - low] = True
        found.append(LabelledGraph(label[low : low + size], arcs))
    return found
