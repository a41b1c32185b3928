"""Rates of tracks and the TrackML score against written-out definitions."""

from collections import Counter
from fractions import Fraction

import pytest
import torch

from pyg_grapheme.metrics import TrackRates, clustering_score, track_rates, trackml_score

MATCHES = ["double_majority", "perfect", "lhc"]


def matched_particle(graph: list[tuple[int, int]], track: int, match: str) -> int | None:
    """The particle that the track matches, by the shares of its most frequent particle."""
    hits = Counter(y for k, y in graph if k == track)
    particle = max(hits, key=lambda y: (y >= 0, hits[y]))
    if particle < 0:
        return None
    shared = hits[particle]
    purity = Fraction(shared, hits.total())
    completeness = Fraction(shared, sum(y == particle for _, y in graph))
    matches = {
        "double_majority": purity > Fraction(1, 2) and completeness > Fraction(1, 2),
        "perfect": purity == completeness == 1,
        "lhc": purity > Fraction(3, 4),
    }
    return particle if matches[match] else None


def expected_rates(
    graph: list[tuple[int, int]], match: str, min_size: int, min_track_size: int
) -> list[float]:
    sizes = Counter(y for _, y in graph if y >= 0)
    tracks = [k for k, n in Counter(k for k, _ in graph).items() if n >= min_track_size]
    particles = [y for y, n in sizes.items() if n >= min_size]
    matched = [matched_particle(graph, track, match) for track in tracks]
    matching = [y for y in matched if y in particles]
    found = set(matching)
    return [
        len(found) / len(particles) if particles else 1,
        matched.count(None) / len(tracks) if tracks else 0,
        (len(matching) - len(found)) / len(found) if found else 0,
    ]


@pytest.mark.parametrize("match", MATCHES)
def test_rates_equal_their_definitions(draw_clusterings, match: str) -> None:
    seen = []
    for trial in range(50):
        cluster, y, batch, graphs = draw_clusterings(8)
        options = {"min_size": 1 + trial % 3, "min_track_size": 1 + trial % 2}
        found = track_rates(cluster, y, batch, batch_size=8, match=match, **options)
        seen += [expected_rates(graph, match, **options) for graph in graphs]
        wanted = torch.tensor(seen[-8:], dtype=torch.double).unbind(1)
        torch.testing.assert_close(found, TrackRates(*wanted))
    efficiency, fake_rate, duplicate_rate = map(set, zip(*seen, strict=True))
    assert min(len(efficiency), len(fake_rate)) > 5
    assert (len(duplicate_rate) > 1) == (match == "lhc")


def test_efficiencies_are_shares_of_recovered_labels(draw_clusterings) -> None:
    cluster, y, batch, _ = draw_clusterings(100)
    for match, metric in (("double_majority", "double_majority"), ("perfect", "recovered")):
        efficiency = track_rates(cluster, y, batch, match=match, min_size=2).efficiency
        options = {"unlabelled": "other", "min_size": 2}
        score = clustering_score(cluster, y, metric, batch, **options)
        torch.testing.assert_close(efficiency, score, rtol=0, atol=0)


def test_shares_at_the_limits_do_not_match() -> None:
    three_of_four = torch.tensor([0, 0, 0, -1])
    assert track_rates(torch.zeros(4).long(), three_of_four, match="lhc").fake_rate.item() == 1
    half = torch.tensor([0, 0, 1, 1])
    assert track_rates(torch.zeros(4).long(), half).fake_rate.item() == 1
    assert track_rates(half, torch.zeros(4).long()).efficiency.item() == 0


def test_trackml_score_adds_the_weights_of_matched_hits(draw_clusterings) -> None:
    cluster, y, batch, graphs = draw_clusterings(60)
    weight = torch.rand(y.numel(), generator=torch.Generator().manual_seed(0))
    expected = []
    for b, graph in enumerate(graphs):
        matched = {k: matched_particle(graph, k, "double_majority") for k, _ in graph}
        hits = (batch == b).nonzero().view(-1).tolist()
        part = sum(weight[i].item() for i in hits if matched[int(cluster[i])] == int(y[i]))
        expected.append(part / weight[hits].double().sum().item() if hits else 1.0)
    found = trackml_score(cluster, y, weight, batch, batch_size=60)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.double))
    assert len(set(expected)) > 20


def test_no_particles_and_no_tracks() -> None:
    noise = torch.tensor([-1, -1])
    rates = track_rates(torch.tensor([0, 1]), noise)
    assert [rate.item() for rate in rates] == [1, 1, 0]
    rates = track_rates(torch.tensor([0, 1]), noise, min_track_size=2)
    assert [rate.item() for rate in rates] == [1, 0, 0]
    assert trackml_score(noise + 1, noise, torch.ones(2)).item() == 0
    assert trackml_score(noise + 1, noise, torch.zeros(2)).item() == 1


def test_refused() -> None:
    cluster = torch.tensor([0, 1])
    for options, message in [
        ({"match": "LHC"}, "'match' to be one of 'double_majority', 'perfect', 'lhc' .got 'LHC'"),
        ({"min_size": 0}, "'min_size' to be at least 1"),
        ({"min_track_size": 0}, "'min_track_size' to be at least 1"),
    ]:
        with pytest.raises(ValueError, match=f"Expected {message}"):
            track_rates(cluster, cluster, **options)
    for weight, message in [
        (cluster, r"a float tensor \[2\], one number per hit \(got int64"),
        (torch.ones(3), r"a float tensor \[2\], one number per hit \(got float32 of shape \(3,\)"),
        (torch.tensor([1, torch.nan]), "finite"),
        (torch.tensor([1.0, -0.5]), r"at least 0 \(got -0.5\)"),
    ]:
        with pytest.raises(ValueError, match=f"Expected 'weight' to be {message}"):
            trackml_score(cluster, cluster, weight)
