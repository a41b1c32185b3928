"""Generated events of a tracking detector: hits, candidate edges, and the track of each hit."""

import math
from collections.abc import Sequence
from typing import NamedTuple, overload

import torch
from torch import Tensor
from torch_geometric.data import Data

from lightning_modules.run.epoch_seed import mix_seed
from pyg_grapheme.options import expect_at_least, expect_between, expect_count, expect_share

NODE_FEATURES = 3
"""Radius of the layer, cosine and sine of the azimuth."""

EDGE_FEATURES = 4
"""Differences of layer and azimuth, their ratio, and the layer of the inner hit."""


class EventOptions(NamedTuple):
    """The detector and the tracks.

    Lengths are in units of the outermost radius. The transverse momentum is given as the radius of
    the track's circle.

    Attributes:
        num_tracks: Tracks per event.
        num_layers: Concentric layers at equal distances.
        min_momentum: Smallest transverse momentum; above 0.5, so that all tracks reach all layers.
        mean_momentum: Mean of the exponential distribution of what is above the smallest one.
        scattering: Standard deviation of the angle by which a layer deflects a track of transverse
            momentum 1, in radians; inversely proportional to the momentum.
        origin: Standard deviation of the distance by which a track misses the origin.
        resolution: Standard deviation of the measured position along the layer.
        missing: Probability that a layer leaves out a hit.
        noise: Mean number of noise hits per track (Poisson), uniform over layers and azimuth.
        window: Largest difference of azimuth of two hits that an edge joins, in radians per layer
            between them.
    """

    num_tracks: int = 30
    num_layers: int = 9
    min_momentum: float = 0.7
    mean_momentum: float = 0.8
    scattering: float = 0.05
    origin: float = 0.005
    resolution: float = 0.001
    missing: float = 0.05
    noise: float = 0.75
    window: float = 0.13


class TrackEvents(Sequence[Data]):
    """A list of generated events; see :func:`generate_event`.

    Event ``i`` depends on the options, the seed and ``i`` alone.

    Args:
        num_events: Number of events.
        seed: Seed of the generator.
        options: The detector and the tracks; the default ones if None.

    Raises:
        ValueError: if an argument is not as expected; names it.
    """

    def __init__(
        self, num_events: int = 1000, seed: int = 0, options: EventOptions | None = None
    ) -> None:
        num_events = expect_count("num_events", num_events, low=0)
        seed = expect_count("seed", seed, low=0)
        self.options = _check(options or EventOptions())
        self._events = [self._generate(seed, index) for index in range(num_events)]

    def _generate(self, seed: int, index: int) -> Data:
        generator = torch.Generator().manual_seed(mix_seed("event", seed, index))
        return generate_event(self.options, generator)

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Data: ...
    @overload
    def __getitem__(self, index: slice) -> list[Data]: ...
    def __getitem__(self, index: int | slice) -> Data | list[Data]:
        return self._events[index]


def _check(options: EventOptions) -> EventOptions:
    expect_count("num_tracks", options.num_tracks)
    expect_count("num_layers", options.num_layers)
    expect_between("min_momentum", options.min_momentum, 0.5, math.inf, "above 0.5")
    expect_share("missing", options.missing)
    expect_between("window", options.window, 0, math.inf, "positive")
    for name in ("mean_momentum", "scattering", "origin", "resolution", "noise"):
        expect_at_least(name, getattr(options, name), 0)
    return options


def generate_event(options: EventOptions, generator: torch.Generator) -> Data:
    r"""Generate one event.

    Tracks start near the origin, in a uniform direction, with a random charge :math:`q` and radius
    :math:`R`. At radius r a circle through the origin has the azimuth
    :math:`\phi_0 + q \arcsin(r / 2R)`. A deflection by :math:`\theta` at radius :math:`r'` moves
    the azimuth beyond it by :math:`\theta (r - r') / r`, to first order. Two hits of the next two
    layers are joined if their azimuths differ by less than the window.

    Returns:
        ``x`` [N, 3], ``edge_index`` [2, E] from the inner hit to the outer one, ``edge_attr``
        [E, 4], ``y`` [N], the track of each hit, -1 for noise, ``layer`` [N], rising, and ``pos``
        [N, 2].

    Cost: O(N^2) memory.
    """
    layer, azimuth, y = _draw_hits(options, generator)
    # Edges from inner to outer hits; ids of hits rise with the layer.
    layer, order = layer.sort(stable=True)
    azimuth, y = azimuth[order], y[order]
    gap = layer - layer[:, None]
    angle = torch.remainder(azimuth - azimuth[:, None] + math.pi, 2 * math.pi) - math.pi
    is_near = angle.abs() < options.window * gap
    edge_index = ((gap >= 1) & (gap <= 2) & is_near).nonzero().T.contiguous()
    inner, outer = edge_index
    step, turn = gap[inner, outer].float(), angle[inner, outer] / options.window
    radius = (layer + 1) / options.num_layers
    direction = torch.stack([azimuth.cos(), azimuth.sin()], dim=1)
    return Data(
        x=torch.cat([radius[:, None], direction], dim=1),
        edge_index=edge_index,
        edge_attr=torch.stack([step, turn, turn / step, radius[inner]], dim=1),
        y=y,
        layer=layer,
        pos=radius[:, None] * direction,
    )


def _draw_hits(options: EventOptions, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw layer, azimuth and track of all hits, noise last."""
    count, layers = options.num_tracks, options.num_layers

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator)

    radius = torch.arange(1, layers + 1) / layers
    momentum = options.min_momentum - options.mean_momentum * torch.log1p(-uniform(count, 1))
    charge = 1 - 2 * (uniform(count, 1) < 0.5).float()
    start = 2 * math.pi * uniform(count, 1) + options.origin * normal(count, 1) / radius
    circle = charge * torch.asin(radius / (2 * momentum))
    # [layer of the hit, layer of the deflection]
    lever = (1 - radius / radius[:, None]).clamp(min=0)
    scattered = options.scattering / momentum * normal(count, layers) @ lever.T
    smeared = options.resolution * normal(count, layers) / radius
    azimuth = start + circle + scattered + smeared
    track, layer = (uniform(count, layers) >= options.missing).nonzero().T
    mean_noise = torch.tensor(float(options.noise * count))
    num_noise = int(torch.poisson(mean_noise, generator=generator))
    noise_layer = torch.randint(layers, (num_noise,), generator=generator)
    return (
        torch.cat([layer, noise_layer]),
        torch.cat([azimuth[track, layer], 2 * math.pi * uniform(num_noise)]),
        torch.cat([track, torch.full_like(noise_layer, -1)]),
    )
