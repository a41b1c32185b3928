"""Rewiring: candidates, score, select, connect."""

from pyg_grapheme.nn.rewire.history import RewireHistory
from pyg_grapheme.nn.rewire.output import RewireOutput
from pyg_grapheme.nn.rewire.select import RewireSelection
from pyg_grapheme.nn.rewire.threshold_rewire import EdgeProbabilities, ThresholdRewire

__all__ = [
    "EdgeProbabilities",
    "RewireHistory",
    "RewireOutput",
    "RewireSelection",
    "ThresholdRewire",
]
