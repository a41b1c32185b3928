"""The text model, its losses, and the ranking of its rewrites."""

from pyg_grapheme.text.model.default_pool import default_pool
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, Prediction, TextState
from pyg_grapheme.text.model.ranking import (
    Rewrite,
    expect_rankable,
    log_probability,
    rank_rewrites,
)
from pyg_grapheme.text.model.transform_loss import TransformLoss, TransformLossOutput

__all__ = [
    "GraphTransformNet",
    "Prediction",
    "Rewrite",
    "TextState",
    "TransformLoss",
    "TransformLossOutput",
    "default_pool",
    "expect_rankable",
    "log_probability",
    "rank_rewrites",
]
