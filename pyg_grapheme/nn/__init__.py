"""Layers and losses."""

from pyg_grapheme.filtration import ReinforceLoss
from pyg_grapheme.nn.loss import StructuralDistance, StructuralLoss, StructuralOutput
from pyg_grapheme.nn.pool import Cuts, MergeHistory, PoolOutput, ThresholdMergePool

__all__ = [
    "Cuts",
    "MergeHistory",
    "PoolOutput",
    "ReinforceLoss",
    "StructuralDistance",
    "StructuralLoss",
    "StructuralOutput",
    "ThresholdMergePool",
]
