"""Losses between graphs."""

from pyg_grapheme.nn.loss.graph_features import GraphFeatures, graph_features, one_hot_labels
from pyg_grapheme.nn.loss.reinforce import ReinforceLoss
from pyg_grapheme.nn.loss.sinkhorn import SinkhornOutput, sinkhorn
from pyg_grapheme.nn.loss.structural import StructuralLoss, StructuralOutput

__all__ = [
    "GraphFeatures",
    "ReinforceLoss",
    "SinkhornOutput",
    "StructuralLoss",
    "StructuralOutput",
    "graph_features",
    "one_hot_labels",
    "sinkhorn",
]
