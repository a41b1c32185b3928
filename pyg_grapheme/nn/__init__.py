"""Pool, losses and models."""

from pyg_grapheme.nn.loss import StructuralLoss, StructuralOutput
from pyg_grapheme.nn.models import GraphTransformNet
from pyg_grapheme.nn.pool import Cuts, MergeHistory, PoolOutput, ThresholdMergePool

__all__ = [
    "Cuts",
    "GraphTransformNet",
    "MergeHistory",
    "PoolOutput",
    "StructuralLoss",
    "StructuralOutput",
    "ThresholdMergePool",
]
