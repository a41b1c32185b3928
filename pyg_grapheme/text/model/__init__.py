"""Whole models, and what they are trained on."""

from pyg_grapheme.text.model.default_pool import default_pool
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, TextState
from pyg_grapheme.text.model.transform_loss import TransformLoss, TransformLossOutput

__all__ = ["GraphTransformNet", "TextState", "TransformLoss", "TransformLossOutput", "default_pool"]
