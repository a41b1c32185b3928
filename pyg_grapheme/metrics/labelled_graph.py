"""One graph of a batch, as NumPy arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.metrics.labelled_batch import LabelledBatch


class LabelledGraph(NamedTuple):
    """A graph of n nodes.

    Attributes:
        label: [n], integers.
        arcs: [n, n], True where an edge leads from row to column; self-loops are on the diagonal.
    """

    label: NDArray[np.int64]
    arcs: NDArray[np.bool_]


def split_graphs(graphs: LabelledBatch) -> list[LabelledGraph]:
    """Separate the graphs of a batch; O(sum of n^2)."""
    label = graphs.label.numpy()
    tail, head = graphs.edge_index.numpy()
    start = batch_ptr(graphs.batch, graphs.num_graphs).numpy()
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
