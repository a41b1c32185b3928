"""Metrics of pairs of graphs; the graph edit distance needs SciPy (the extra ``metrics``)."""

from pyg_grapheme.metrics.graph_edit_distance import GraphEditDistance, graph_edit_distance
from pyg_grapheme.metrics.weisfeiler_lehman import (
    WeisfeilerLehmanSimilarity,
    weisfeiler_lehman_similarity,
)

__all__ = [
    "GraphEditDistance",
    "WeisfeilerLehmanSimilarity",
    "graph_edit_distance",
    "weisfeiler_lehman_similarity",
]
