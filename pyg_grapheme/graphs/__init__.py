"""Batches of graphs: checked input, node offsets, distinct edges, repeated graphs."""

from pyg_grapheme.graphs.batch_ptr import batch_ptr
from pyg_grapheme.graphs.check_graphs import (
    Graphs,
    check_graphs,
    check_numbers,
    expect_finite,
)
from pyg_grapheme.graphs.check_integers import check_integers
from pyg_grapheme.graphs.distinct_edges import distinct_edges
from pyg_grapheme.graphs.find_edges import find_edges
from pyg_grapheme.graphs.int_tensor import int_tensor
from pyg_grapheme.graphs.repeat_graphs import (
    RepeatedGraphs,
    gather_segments,
    repeat_graphs,
    segment_positions,
)

__all__ = [
    "Graphs",
    "RepeatedGraphs",
    "batch_ptr",
    "check_graphs",
    "check_integers",
    "check_numbers",
    "distinct_edges",
    "expect_finite",
    "find_edges",
    "gather_segments",
    "int_tensor",
    "repeat_graphs",
    "segment_positions",
]
