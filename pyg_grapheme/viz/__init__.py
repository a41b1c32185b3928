"""Figures by matplotlib (the extra ``viz``).

They need no display; ``figure.savefig(path)`` writes one.
"""

from pyg_grapheme.viz.clusters import draw_clusters
from pyg_grapheme.viz.dendrogram import draw_dendrogram
from pyg_grapheme.viz.merges import draw_merges
from pyg_grapheme.viz.morph import draw_morph
from pyg_grapheme.viz.partition import draw_partition
from pyg_grapheme.viz.training import draw_curves

__all__ = [
    "draw_clusters",
    "draw_curves",
    "draw_dendrogram",
    "draw_merges",
    "draw_morph",
    "draw_partition",
]
