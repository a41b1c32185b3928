"""The scores of a clustering of hits into tracks."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.metrics import clustering_score

MIN_SIZE = 3
"""Tracks of fewer hits count neither as found nor as lost."""


class Score(NamedTuple):
    """Means over events.

    Attributes:
        efficiency: Share of the tracks of at least three hits for which a cluster exists such that
            each holds more than half of the hits of the other (double majority).
        bcubed: F1 of B-cubed precision and recall; each noise hit is a track of its own.
    """

    efficiency: float
    bcubed: float


def score_tracks(cluster: Tensor, y: Tensor, batch: Tensor) -> Score:
    """Score a clustering of a batch of events.

    Args:
        cluster: [N], ids that no two events share.
        y: [N], -1 for noise.
        batch: [N].
    """
    efficiency, bcubed = (
        float(
            clustering_score(
                cluster, y, metric, batch, unlabelled="other", min_size=MIN_SIZE
            ).mean()
        )
        for metric in ("double_majority", "bcubed")
    )
    return Score(efficiency, bcubed)
