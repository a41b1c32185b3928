"""Estimators: how a gradient reaches the threshold in ``forward``."""

from pyg_grapheme.nn.pool.estimators.estimators import (
    Estimator,
    EstimatorInput,
    Gate,
    Gumbel,
    NoEstimator,
    Reinforce,
    StraightThrough,
    resolve_estimator,
)

__all__ = [
    "Estimator",
    "EstimatorInput",
    "Gate",
    "Gumbel",
    "NoEstimator",
    "Reinforce",
    "StraightThrough",
    "resolve_estimator",
]
