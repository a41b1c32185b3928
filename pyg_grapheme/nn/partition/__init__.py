"""Partition objectives: train a scorer on the score that is reported."""

from pyg_grapheme.nn.partition.best_threshold import BestThreshold, best_threshold
from pyg_grapheme.nn.partition.pair_bce import pair_bce
from pyg_grapheme.nn.partition.pair_likelihood import MeetingPairs, meeting_pairs
from pyg_grapheme.nn.partition.pair_scorer import PairScorer
from pyg_grapheme.nn.partition.partition_loss import PartitionLoss
from pyg_grapheme.nn.partition.partition_scores import METRICS, partition_scores
from pyg_grapheme.nn.partition.partition_sums import PartitionSums, partition_sums

__all__ = [
    "METRICS",
    "BestThreshold",
    "MeetingPairs",
    "PairScorer",
    "PartitionLoss",
    "PartitionSums",
    "best_threshold",
    "meeting_pairs",
    "pair_bce",
    "partition_scores",
    "partition_sums",
]
