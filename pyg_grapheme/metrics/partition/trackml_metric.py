"""The score of the TrackML challenge, for torchmetrics."""

from typing import Any

from torch import Tensor

from pyg_grapheme.metrics.partition.score_of_sums import ScoreOfSums
from pyg_grapheme.metrics.partition.trackml import HitWeights, hit_weights


class TrackMLScore(ScoreOfSums):
    """The TrackML score of clusterings of hits into tracks.

    Args:
        pooled: False for the mean of the scores over graphs, as in the challenge, True for the
            share of the weight of all hits.
        kwargs: Options of ``torchmetrics.Metric``.

    See :func:`trackml_score`.

    Example:
        >>> import torch
        >>> metric = TrackMLScore()
        >>> metric.update(torch.tensor([0, 0, 1]), torch.tensor([0, 0, 0]), torch.ones(3))
        >>> metric.compute()
        tensor(0.6667, dtype=torch.float64)
    """

    higher_is_better = True

    def __init__(self, *, pooled: bool = False, **kwargs: Any) -> None:
        super().__init__(len(HitWeights._fields), pooled=pooled, **kwargs)

    def update(
        self,
        cluster: Tensor,
        y: Tensor,
        weight: Tensor,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Add B graphs.

        Args:
            cluster: [N], the track of each hit: integers of at least 0.
            y: [N], the particle of each hit, likewise; -1 for noise.
            weight: [N], finite floats of at least 0.
            batch: [N], the graph (event) of each hit; one graph if None.
            batch_size: B; one more than the largest of ``batch`` if None.
        """
        self.add(hit_weights(cluster, y, weight, batch, batch_size=batch_size))

    def score(self, sums: tuple[Tensor, ...]) -> Tensor:
        """Return the score of the weights."""
        return HitWeights(*sums).score()
