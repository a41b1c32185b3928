"""Scores: how similar the two nodes of a candidate pair are."""

from pyg_grapheme.nn.pool.scores.cosine import cosine_score
from pyg_grapheme.nn.pool.scores.projected_cosine import ProjectedCosine
from pyg_grapheme.nn.pool.scores.scorer import Scorer, make_scorer

__all__ = ["ProjectedCosine", "Scorer", "cosine_score", "make_scorer"]
