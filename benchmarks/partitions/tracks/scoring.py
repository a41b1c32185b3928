"""The scores of a clustering of hits into tracks."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

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
    nodes = torch.arange(y.numel())
    is_noise = y < 0
    offset = int(y.max()) + 1
    label = torch.where(is_noise, offset * (int(batch.max()) + 1) + nodes, offset * batch + y)
    label, cluster = (ids.unique(return_inverse=True)[1] for ids in (label, cluster))
    pair, of_pair, common = torch.stack([label, cluster]).unique(
        dim=1, return_inverse=True, return_counts=True
    )
    label_size, cluster_size = label.bincount(), cluster.bincount()
    whole = label_size[pair[0]], cluster_size[pair[1]]
    is_matched = (2 * common > whole[0]) & (2 * common > whole[1])
    matched = torch.zeros_like(label_size).index_add_(0, pair[0], is_matched.long())
    first = torch.full_like(label_size, y.numel()).scatter_reduce_(0, label, nodes, "amin")
    counts = ~is_noise[first] & (label_size >= MIN_SIZE)
    found = matched[counts].double()
    efficiency = scatter(found, batch[first[counts]], reduce="mean").mean()
    precision, recall = (
        scatter((common.double() / size)[of_pair], batch, reduce="mean") for size in reversed(whole)
    )
    bcubed = (2 * precision * recall / (precision + recall)).mean()
    return Score(float(efficiency), float(bcubed))
