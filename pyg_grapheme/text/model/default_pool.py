"""The pool of the text model."""

from typing import Any

from pyg_grapheme.nn.pool import ProjectedCosine, ThresholdMergePool


def default_pool(channels: int, **options: Any) -> ThresholdMergePool:
    """Make a pool of a learned cosine between neighbours.

    The features that it compares have the edits to tell as well, so a linear map picks out what
    should decide about merging. The cosines of neighbours are close to 1 before anything is
    learned: the threshold starts high, lest every text begin as one node, and the noise is narrow
    enough for merges that are nearly certain.

    Args:
        channels: F, features of a node.
        options: Of :class:`ThresholdMergePool`, to be set otherwise.
    """
    defaults = {"threshold": 0.9, "temperature": 0.05, "score": ProjectedCosine(channels)}
    return ThresholdMergePool(**{**defaults, **options}, estimator="none")
