"""Rates of found, fake and duplicate tracks, for torchmetrics."""

from typing import Any

from torch import Tensor

from pyg_grapheme.metrics.partition.contingency import MatchName
from pyg_grapheme.metrics.partition.score_of_sums import ScoreOfSums
from pyg_grapheme.metrics.partition.tracks import (
    TrackCounts,
    TrackRates,
    check_track_options,
    track_counts,
)
from pyg_grapheme.options import expect_one_of


class TrackRate(ScoreOfSums):
    """The efficiency, fake rate or duplicate rate of clusterings of hits into tracks.

    Args:
        metric: "efficiency", "fake_rate" or "duplicate_rate".
        pooled: False for the mean of the rates over graphs, True for the rate of all tracks.
        match: "double_majority", "perfect" or "lhc".
        min_size: Particles of fewer hits are not counted.
        min_track_size: Tracks of fewer hits are not counted.
        kwargs: Options of ``torchmetrics.Metric``.

    See :func:`track_rates`.

    Example:
        >>> import torch
        >>> metric = TrackRate("fake_rate", match="perfect")
        >>> metric.update(torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 0, 1, 1, -1]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    def __init__(
        self,
        metric: str = "efficiency",
        *,
        pooled: bool = False,
        match: MatchName = "double_majority",
        min_size: int = 1,
        min_track_size: int = 1,
        **kwargs: Any,
    ) -> None:
        # Pooled counts do not depend on the rate.
        options = (match, min_size, min_track_size, *(() if pooled else (metric,)))
        super().__init__(len(TrackCounts._fields), *options, pooled=pooled, **kwargs)
        expect_one_of("metric", metric, TrackRates._fields)
        check_track_options(match, min_size, min_track_size)
        self.metric, self.match = metric, match
        self.min_size, self.min_track_size = min_size, min_track_size

    def update(
        self,
        cluster: Tensor,
        y: Tensor,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Add B graphs.

        Args:
            cluster: [N], the track of each hit: integers of at least 0.
            y: [N], the particle of each hit, likewise; -1 for noise.
            batch: [N], the graph (event) of each hit; one graph if None.
            batch_size: B; one more than the largest of ``batch`` if None.
        """
        self.add(
            track_counts(
                cluster,
                y,
                batch,
                batch_size=batch_size,
                match=self.match,
                min_size=self.min_size,
                min_track_size=self.min_track_size,
            )
        )

    def score(self, sums: tuple[Tensor, ...]) -> Tensor:
        """Return the rate of the counts."""
        rate: Tensor = getattr(TrackCounts(*sums).rates(), self.metric)
        return rate
