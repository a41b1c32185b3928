"""Rates of found, fake and duplicate tracks."""

from typing import NamedTuple, get_args

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.metrics.partition.contingency import MatchName, contingency
from pyg_grapheme.metrics.partition.ratio import ratio
from pyg_grapheme.options import expect_count, expect_one_of


class TrackRates(NamedTuple):
    """Rates of a clustering of hits into tracks, in float64.

    Attributes:
        efficiency: Share of the particles that at least one track matches.
        fake_rate: Share of the tracks that match no particle.
        duplicate_rate: Matching tracks beyond the first of each particle, over the particles
            found. It is 0 unless the match is "lhc".
    """

    efficiency: Tensor
    fake_rate: Tensor
    duplicate_rate: Tensor


class TrackCounts(NamedTuple):
    """Numbers of particles and tracks of B graphs, each [B] in float64.

    Attributes:
        particles: Particles of at least ``min_size`` hits.
        found: Those among them that at least one track matches.
        matching: Tracks that match one of them.
        tracks: Clusters of at least ``min_track_size`` hits.
        genuine: Those among them that match a particle of any size.
    """

    particles: Tensor
    found: Tensor
    matching: Tensor
    tracks: Tensor
    genuine: Tensor

    def rates(self) -> TrackRates:
        """Return the rates; 0 / 0 is an efficiency of 1 and a rate of 0."""
        return TrackRates(
            ratio(self.found, self.particles),
            ratio(self.tracks - self.genuine, self.tracks, 0.0),
            ratio(self.matching - self.found, self.found, 0.0),
        )


def track_rates(
    cluster: Tensor,
    y: Tensor,
    batch: Tensor | None = None,
    *,
    batch_size: int | None = None,
    match: MatchName = "double_majority",
    min_size: int = 1,
    min_track_size: int = 1,
) -> TrackRates:
    """Compute efficiency, fake rate and duplicate rate of the clustering of each graph.

    A track is a cluster of hits, a particle a label. Noise hits belong to no particle and count in
    the sizes of the tracks. A track matches a particle by

    - "double_majority": more than half of the hits of each are hits of the other, as in the TrackML
      challenge,
    - "perfect": it has all hits of the particle and no other, or
    - "lhc": more than 75 % of its hits are of the particle,

    as in the code of ``gnn_tracking``, whose "lhc" score is 1 - fake_rate here. The three rates are
    those of the code of acorn, which calls a match by the share of the track's hits "ATLAS"; but
    noise is no particle here.

    Args:
        cluster: [N], the track of each hit: integers of at least 0. Equal ones in different graphs
            are different tracks.
        y: [N], the particle of each hit, likewise; -1 for noise.
        batch: [N], the graph (event) of each hit; one graph if None.
        batch_size: B; one more than the largest of ``batch`` if None.
        match: "double_majority", "perfect" or "lhc".
        min_size: Particles of fewer hits are not counted. A track that matches one is no fake.
        min_track_size: Tracks of fewer hits are not counted: they match nothing and are no fakes.

    Returns:
        Rates [B].

    Raises:
        ValueError: if an argument is not as described.

    Differentiation: none.
    Cost: O(N log N) time, O(N) memory.

    Example:
        >>> cluster = torch.tensor([0, 0, 0, 1, 1, 2, 2])
        >>> y = torch.tensor([0, 0, 0, 0, 0, 1, -1])
        >>> track_rates(cluster, y, match="lhc").duplicate_rate
        tensor([1.], dtype=torch.float64)
    """
    return track_counts(
        cluster,
        y,
        batch,
        batch_size=batch_size,
        match=match,
        min_size=min_size,
        min_track_size=min_track_size,
    ).rates()


def track_counts(
    cluster: Tensor,
    y: Tensor,
    batch: Tensor | None = None,
    *,
    batch_size: int | None,
    match: MatchName,
    min_size: int,
    min_track_size: int,
) -> TrackCounts:
    """Count what :func:`track_rates` divides; see there."""
    check_track_options(match, min_size, min_track_size)
    table = contingency(cluster, y, batch, batch_size=batch_size, unlabelled="other")
    is_particle = table.is_labelled & (table.label_size >= min_size)
    is_track = table.cluster_size >= min_track_size
    matches = table.matches(match) & table.is_labelled[table.label] & is_track[table.cluster]
    found = torch.zeros_like(is_particle)
    found[table.label[matches]] = True
    pair_graph = table.label_graph[table.label]

    def count(flag: Tensor, graph: Tensor) -> Tensor:
        total: Tensor = scatter(flag.double(), graph, dim_size=table.num_graphs)
        return total

    return TrackCounts(
        particles=count(is_particle, table.label_graph),
        found=count(found & is_particle, table.label_graph),
        matching=count(matches & is_particle[table.label], pair_graph),
        tracks=count(is_track, table.cluster_graph),
        genuine=count(matches, pair_graph),
    )


def check_track_options(match: str, min_size: int, min_track_size: int) -> None:
    """Refuse options of :func:`track_rates` that are not as described."""
    expect_one_of("match", match, get_args(MatchName))
    expect_count("min_size", min_size)
    expect_count("min_track_size", min_track_size)
