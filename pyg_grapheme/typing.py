"""Shape legend and the aliases that more than one room uses.

Shapes in docstrings and comments use one set of letters:

======  ==========================================================
letter  meaning
======  ==========================================================
N       nodes of the input, over the whole batch
E       directed edges
M       candidate pairs (unordered, each once)
C       clusters: nodes of the output
F       features a node
D       features an edge
B       graphs in the batch
R       cuts: graphs in the batch of all clusterings of all graphs
V       graphemes in the vocabulary
======  ==========================================================

A prime (N', E') counts over all cuts instead of over all graphs.
"""

from os import PathLike
from typing import Literal, TypeAlias

NormalForm: TypeAlias = Literal["NFC", "none"]
"""Unicode normal form of the text: composed, or as it came."""

UnitsName: TypeAlias = Literal["graphemes", "letters", "spaced"]
"""What one node of a text is: a grapheme cluster, a code point, or what stands between spaces."""

PreprocessName: TypeAlias = Literal["none", "historical"]
"""What is done to the examples of a file: nothing, or what is usual for historical texts."""

EstimatorName: TypeAlias = Literal["none", "gate", "straight_through", "gumbel", "reinforce"]
"""How a gradient reaches the threshold in ``ThresholdMergePool.forward``."""

CandidatesName: TypeAlias = Literal["edges", "all"]
"""Which pairs of nodes may merge."""

MergeName: TypeAlias = Literal["components", "matching"]
"""Which of the candidate pairs above the threshold merge."""

LossName: TypeAlias = Literal["structural", "cross_entropy", "hybrid"]
"""What the text model is trained on."""

EditDistanceName: TypeAlias = Literal["exact", "bipartite", "bp2"]
"""How a graph edit distance is worked out."""

PathLikeStr: TypeAlias = str | PathLike[str]

__all__ = [
    "CandidatesName",
    "EditDistanceName",
    "EstimatorName",
    "LossName",
    "MergeName",
    "NormalForm",
    "PathLikeStr",
    "PreprocessName",
    "UnitsName",
]
