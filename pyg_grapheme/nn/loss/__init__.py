"""Losses and distances between graphs."""

from pyg_grapheme.nn.loss.graph_features import GraphFeatures, graph_features, one_hot_labels
from pyg_grapheme.nn.loss.reach import reach
from pyg_grapheme.nn.loss.structural_distance import (
    DistanceOutput,
    StructuralDistance,
    distance_features,
)
from pyg_grapheme.nn.loss.structural_loss import StructuralLoss, StructuralOutput

__all__ = [
    "DistanceOutput",
    "GraphFeatures",
    "StructuralDistance",
    "StructuralLoss",
    "StructuralOutput",
    "distance_features",
    "graph_features",
    "one_hot_labels",
    "reach",
]
