"""The tree of merges, and its cuts."""

from pyg_grapheme.nn.pool.dendrogram.dendrogram import (
    Dendrogram,
    cluster_cuts,
    single_linkage,
    step_heights,
)

__all__ = ["Dendrogram", "cluster_cuts", "single_linkage", "step_heights"]
