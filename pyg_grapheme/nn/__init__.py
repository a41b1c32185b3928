"""Layers and losses."""

from pyg_grapheme.filtration import ReinforceLoss
from pyg_grapheme.nn.loss import StructuralDistance, StructuralLoss, StructuralOutput
from pyg_grapheme.nn.partition import (
    PairScorer,
    PartitionLoss,
    best_threshold,
    pair_bce,
    partition_scores,
)
from pyg_grapheme.nn.pool import Cuts, MergeHistory, PoolOutput, ThresholdMergePool
from pyg_grapheme.nn.rewire import EdgeProbabilities, RewireHistory, RewireOutput, ThresholdRewire
from pyg_grapheme.nn.split import SplitHistory, SplitOutput, ThresholdSplit

__all__ = [
    "Cuts",
    "EdgeProbabilities",
    "MergeHistory",
    "PairScorer",
    "PartitionLoss",
    "PoolOutput",
    "ReinforceLoss",
    "RewireHistory",
    "RewireOutput",
    "SplitHistory",
    "SplitOutput",
    "StructuralDistance",
    "StructuralLoss",
    "StructuralOutput",
    "ThresholdMergePool",
    "ThresholdRewire",
    "ThresholdSplit",
    "best_threshold",
    "pair_bce",
    "partition_scores",
]
