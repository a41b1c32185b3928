"""Losses between graphs."""

from pyg_grapheme.nn.loss.graph_features import GraphFeatures, graph_features, one_hot_labels
from pyg_grapheme.nn.loss.structural_loss import StructuralLoss, StructuralOutput

__all__ = [
    "GraphFeatures",
    "StructuralLoss",
    "StructuralOutput",
    "graph_features",
    "one_hot_labels",
]
