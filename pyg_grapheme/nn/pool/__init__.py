"""Pooling by merging: score, select, reduce, connect."""

from pyg_grapheme.nn.pool.candidates.candidates import Candidates, PairBlocks, ScoredPairs
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram, single_linkage
from pyg_grapheme.nn.pool.estimators.estimators import (
    Estimator,
    Gate,
    Gumbel,
    Merge,
    NoEstimator,
    Reinforce,
    StraightThrough,
)
from pyg_grapheme.nn.pool.history import MergeHistory
from pyg_grapheme.nn.pool.interop import (
    from_select_output,
    to_select_output,
    to_tgp_select_output,
)
from pyg_grapheme.nn.pool.output import Cuts, PoolOutput
from pyg_grapheme.nn.pool.scores.cosine import cosine_score
from pyg_grapheme.nn.pool.scores.projected_cosine import ProjectedCosine
from pyg_grapheme.nn.pool.scores.score import edge_pairs
from pyg_grapheme.nn.pool.select import Selection, select_components
from pyg_grapheme.nn.pool.threshold_merge_pool import ThresholdMergePool

__all__ = [
    "Candidates",
    "Cuts",
    "Dendrogram",
    "Estimator",
    "Gate",
    "Gumbel",
    "Merge",
    "MergeHistory",
    "NoEstimator",
    "PairBlocks",
    "PoolOutput",
    "ProjectedCosine",
    "Reinforce",
    "ScoredPairs",
    "Selection",
    "StraightThrough",
    "ThresholdMergePool",
    "cosine_score",
    "edge_pairs",
    "from_select_output",
    "select_components",
    "single_linkage",
    "to_select_output",
    "to_tgp_select_output",
]
