"""Layers for PyTorch Geometric that merge, rewire and split by a learned threshold.

The names below are those of :mod:`pyg_grapheme.nn` that are used most. They are imported on first
use: the package alone imports neither torch nor PyTorch Geometric.
"""

from typing import TYPE_CHECKING

from pyg_grapheme.lazy_names import lazy_names

if TYPE_CHECKING:
    from pyg_grapheme.nn import (
        PairScorer,
        PartitionLoss,
        StructuralDistance,
        StructuralLoss,
        ThresholdMergePool,
        ThresholdRewire,
        ThresholdSplit,
        pair_bce,
    )

__version__ = "0.2.0"

__all__ = [
    "PairScorer",
    "PartitionLoss",
    "StructuralDistance",
    "StructuralLoss",
    "ThresholdMergePool",
    "ThresholdRewire",
    "ThresholdSplit",
    "__version__",
    "pair_bce",
]

__getattr__ = lazy_names(__name__, dict.fromkeys(set(__all__) - {"__version__"}, "nn"))


def __dir__() -> list[str]:
    """List the names that are not yet imported, too: completion in a shell looks here."""
    return sorted({*globals(), *__all__})
