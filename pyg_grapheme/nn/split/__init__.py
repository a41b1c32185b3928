"""Splitting: score, select, expand, connect."""

from pyg_grapheme.filtration import Cuts
from pyg_grapheme.nn.split.connect import connect_children
from pyg_grapheme.nn.split.history import SplitHistory
from pyg_grapheme.nn.split.mirrored_children import MirroredChildren
from pyg_grapheme.nn.split.node_score import LinearScore
from pyg_grapheme.nn.split.output import SplitOutput
from pyg_grapheme.nn.split.select import SplitSelection, select_nodes
from pyg_grapheme.nn.split.threshold_split import ThresholdSplit

__all__ = [
    "Cuts",
    "LinearScore",
    "MirroredChildren",
    "SplitHistory",
    "SplitOutput",
    "SplitSelection",
    "ThresholdSplit",
    "connect_children",
    "select_nodes",
]
