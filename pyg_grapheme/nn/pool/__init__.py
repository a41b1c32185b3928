"""Pooling by merging: score, select, reduce, connect."""

from pyg_grapheme.filtration import Cuts
from pyg_grapheme.nn.pool.candidates.candidates import Candidates, PairBlocks, ScoredPairs
from pyg_grapheme.nn.pool.candidates.edge_pairs import edge_pairs
from pyg_grapheme.nn.pool.clustering.constrained import constrained_clusters
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints
from pyg_grapheme.nn.pool.connect import connect_clusters
from pyg_grapheme.nn.pool.dendrogram.clusters import Clusters
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.nn.pool.dendrogram.single_linkage import single_linkage
from pyg_grapheme.nn.pool.estimators.estimators import (
    Estimator,
    EstimatorInput,
    Gate,
    Gumbel,
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
from pyg_grapheme.nn.pool.output import PoolOutput
from pyg_grapheme.nn.pool.scores.cosine import cosine_score
from pyg_grapheme.nn.pool.scores.projected_cosine import ProjectedCosine
from pyg_grapheme.nn.pool.select import Selection, select_components
from pyg_grapheme.nn.pool.threshold_merge_pool import PairScores, ThresholdMergePool

__all__ = [
    "Candidates",
    "Clusters",
    "Cuts",
    "Dendrogram",
    "Estimator",
    "EstimatorInput",
    "Gate",
    "Gumbel",
    "MergeConstraints",
    "MergeHistory",
    "NoEstimator",
    "PairBlocks",
    "PairScores",
    "PoolOutput",
    "ProjectedCosine",
    "Reinforce",
    "ScoredPairs",
    "Selection",
    "StraightThrough",
    "ThresholdMergePool",
    "connect_clusters",
    "constrained_clusters",
    "cosine_score",
    "edge_pairs",
    "from_select_output",
    "select_components",
    "single_linkage",
    "to_select_output",
    "to_tgp_select_output",
]
