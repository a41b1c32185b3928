"""Pool, losses and models."""

from pyg_grapheme.nn.loss import ReinforceLoss, StructuralLoss, StructuralOutput
from pyg_grapheme.nn.models import GraphTransformNet
from pyg_grapheme.nn.pool import Cuts, MergeHistory, PoolOutput, ThresholdMergePool

__all__ = [
    "Cuts",
    "GraphTransformNet",
    "MergeHistory",
    "PoolOutput",
    "ReinforceLoss",
    "StructuralLoss",
    "StructuralOutput",
    "ThresholdMergePool",
]
