"""The pairs of nodes that may merge."""

from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import (
    Candidates,
    PairBlocks,
    ScoredPairs,
    pair_threshold,
)
from pyg_grapheme.nn.pool.candidates.edge_pairs import edge_pairs

__all__ = [
    "AllPairs",
    "Candidates",
    "PairBlocks",
    "ScoredPairs",
    "edge_pairs",
    "pair_threshold",
]
