"""The pool of the text model."""

from typing import Any

from pyg_grapheme.nn.pool import ProjectedCosine, ThresholdMergePool


def default_pool(channels: int, **options: Any) -> ThresholdMergePool:
    """Make a pool that scores neighbours by a learned cosine.

    The same features feed the decoder, so a linear map selects what decides about merging. Before
    training, cosines of neighbours are close to 1: the threshold starts high, so that texts do not
    begin as one node, and the noise is narrow enough for merges that are almost certain.

    Args:
        channels: F, features per node.
        options: Options of :class:`ThresholdMergePool` that replace the defaults.
    """
    defaults = {"threshold": 0.9, "temperature": 0.05, "score": ProjectedCosine(channels)}
    return ThresholdMergePool(**{**defaults, **options}, estimator="none")
