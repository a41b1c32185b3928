"""The generated events of a tracking detector."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules.datamodules.track_events import EventOptions, TrackEvents

EXACT = EventOptions(20, scattering=0, origin=0, resolution=0, missing=0, noise=0)
"""Circles through the origin."""


def positions(events: TrackEvents) -> Tensor:
    """The positions of the hits of tracks that have all hits, [T, 9, 2]."""
    num_tracks = events.options.num_tracks
    for event in events:
        order = torch.cartesian_prod(torch.arange(9), torch.arange(num_tracks))
        assert torch.equal(torch.stack([event.layer, event.y], dim=1), order)
    pos = [event.pos.view(9, num_tracks, 2).transpose(0, 1) for event in events]
    return torch.cat(pos).double()


def circle_centres(pos: Tensor) -> Tensor:
    """The centres [T, 2] of circles through the origin that are closest to tracks."""
    squares = pos.square().sum(2, keepdim=True)
    return torch.linalg.lstsq(2 * pos, squares).solution.squeeze(2)


def test_an_event_depends_on_seed_and_index_alone() -> None:
    few, many, other = TrackEvents(2), TrackEvents(3), TrackEvents(3, seed=1)
    assert len(many) == 3
    for index in range(2):
        for key in few[index].to_dict():
            assert torch.equal(few[index][key], many[index][key])
    sizes = {event.num_edges for events in (many, other) for event in events}
    assert len(sizes) > 3


def test_hits_edges_and_the_share_of_true_edges() -> None:
    for num_tracks, hits, edges in ((30, 280, 1270), (50, 465, 3130)):
        events = TrackEvents(30, options=EventOptions(num_tracks))
        assert np.mean([e.num_nodes for e in events]) == pytest.approx(hits, rel=0.02)
        assert np.mean([e.num_edges for e in events]) == pytest.approx(edges, rel=0.03)
        assert np.mean([(e.y < 0).sum() / num_tracks for e in events]) == pytest.approx(0.75, 0.1)
        joined = expected = 0
        for event in events:
            y, layer = event.y, event.layer
            is_pair = (y[:, None] == y) & (y >= 0)
            gap = layer - layer[:, None]
            expected += int((is_pair & (gap >= 1) & (gap <= 2)).sum())
            joined += int(is_pair[tuple(event.edge_index)].sum())
        assert joined / expected > 0.995


def test_tracks_without_scattering_are_circles_through_the_origin() -> None:
    pos = positions(TrackEvents(1, options=EXACT))
    # x^2 + y^2 = 2 (a x + b y) for a circle about (a, b) through the origin.
    squares = pos.square().sum(2, keepdim=True)
    centre = circle_centres(pos)
    assert torch.allclose(2 * pos @ centre[..., None], squares, atol=1e-5)
    assert (centre.norm(dim=1) >= EXACT.min_momentum - 1e-3).all()


def test_each_effect_moves_hits_by_its_formula() -> None:
    # Events of one seed have the same tracks, and differ in the effect alone.
    before = positions(TrackEvents(100, options=EXACT))
    momentum = circle_centres(before).norm(dim=1, keepdim=True)

    def moved(**effect: float) -> Tensor:
        """The angle by which each hit is moved, [T, 9]."""
        after = positions(TrackEvents(100, options=EXACT._replace(**effect)))
        cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
        return torch.atan2(cross, (before * after).sum(2))

    radius = torch.arange(1, 10) / 9
    length = moved(origin=0.01) * radius
    assert torch.allclose(length, length[:, :1].expand(-1, 9), atol=1e-5)
    assert float(length[:, 0].std()) == pytest.approx(0.01, rel=0.05)

    found = (moved(resolution=0.01) * radius / 0.01).T.cov()
    torch.testing.assert_close(found, torch.eye(9).double(), atol=0.1, rtol=0)

    angle = moved(scattering=0.02)
    # Inner layers k deflect by independent angles, which turn a hit of layer i by 1 - k / i.
    layers = range(1, 10)
    expected = [
        [sum((1 - k / i) * (1 - k / j) for k in range(1, min(i, j))) for j in layers]
        for i in layers
    ]
    for share in (momentum < 1.25, momentum >= 1.25):
        scaled = (angle * momentum / 0.02)[share.view(-1)]
        assert len(scaled) > 800
        torch.testing.assert_close(
            scaled.T.cov(), torch.tensor(expected).double(), atol=0.05, rtol=0.1
        )


def test_edges_lead_outwards_inside_the_window_and_carry_differences() -> None:
    options = EventOptions()
    event = TrackEvents(1, options=options)[0]
    azimuth = torch.atan2(event.pos[:, 1], event.pos[:, 0])
    for i, j in torch.cartesian_prod(torch.arange(100), torch.arange(200)).tolist():
        gap = int(event.layer[j] - event.layer[i])
        angle = math.remainder(float(azimuth[j] - azimuth[i]), 2 * math.pi)
        edge = (event.edge_index == torch.tensor([[i], [j]])).all(0).nonzero().view(-1)
        if abs(abs(angle) - options.window * gap) > 1e-5:
            assert edge.numel() == (gap in (1, 2) and abs(angle) < options.window * gap)
        if edge.numel():
            turn = angle / options.window
            inner = float(event.layer[i] + 1) / 9
            expected = torch.tensor([gap, turn, turn / gap, inner])
            assert torch.allclose(event.edge_attr[edge[0]], expected, atol=1e-4)


def test_refused() -> None:
    cases = (
        ("num_tracks", 0, "at least 1"),
        ("num_layers", 0, "at least 1"),
        ("min_momentum", 0.5, "above 0.5"),
        ("missing", 1.0, r"in \[0, 1\)"),
        ("window", 0.0, "positive"),
        ("noise", -1.0, "at least 0"),
    )
    for name, value, expected in cases:
        with pytest.raises(ValueError, match=f"Expected '{name}' to be {expected} .*got {value}"):
            TrackEvents(1, options=EventOptions()._replace(**{name: value}))
    with pytest.raises(ValueError, match=r"Expected 'seed' to be an int .*got 'a'"):
        TrackEvents(1, "a")
    with pytest.raises(ValueError, match="Expected 'num_events' to be at least 0"):
        TrackEvents(-1)
