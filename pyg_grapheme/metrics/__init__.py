"""Metrics of clusterings and of pairs of graphs.

The names below are imported on first use. The scores of a clustering need torch and
torch-geometric alone; their classes and the metrics of pairs need the extra ``metrics``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyg_grapheme.metrics.edit_distance import GraphEditDistance, graph_edit_distance
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

# No name may be that of a module: importing the module would replace it.
_MODULES = {
    "GraphEditDistance": "edit_distance",
    "WeisfeilerLehmanSimilarity": "weisfeiler_lehman",
    "graph_edit_distance": "edit_distance",
    "weisfeiler_lehman_similarity": "weisfeiler_lehman",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
