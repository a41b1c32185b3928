"""Legend of shapes, and shared type aliases.

Shapes in docstrings and comments use one set of letters:

======  ==========================================================
letter  meaning
======  ==========================================================
N       nodes of the input, over the whole batch
E       directed edges
M       candidate pairs (unordered, each once)
C       clusters: nodes of the output
F       features per node
D       features per edge
B       graphs in the batch
R       cuts, over all graphs of the batch
K       merges, over all graphs of the batch
S       steps, merges of equal height in one graph, over all graphs
U       distinct clusters of all cuts
V       units in the vocabulary, or labels
======  ==========================================================

A prime (N', E') counts over all cuts instead of over all graphs.
"""

from os import PathLike
from typing import Literal, TypeAlias

EstimatorName: TypeAlias = Literal["none", "gate", "straight_through", "gumbel", "reinforce"]
"""The estimator of the threshold's gradient in ``ThresholdMergePool.forward``."""

CandidatesName: TypeAlias = Literal["edges", "all"]
"""The pairs of nodes that may merge."""

RewireCandidatesName: TypeAlias = Literal["edges", "knn", "all"]
"""The pairs of nodes that ``ThresholdRewire`` decides about."""

MergeName: TypeAlias = Literal["components", "average", "complete", "matching"]
"""The candidate pairs above the threshold that merge, or the linkage of clusters."""

EditDistanceName: TypeAlias = Literal["exact", "bipartite", "bp2"]
"""The algorithm for a graph edit distance."""

PathLikeStr: TypeAlias = str | PathLike[str]
