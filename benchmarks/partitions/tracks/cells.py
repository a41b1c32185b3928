"""The cells of the tables: one second phase of training each, for one seed."""

from collections.abc import Iterator
from typing import NamedTuple

TRACKS = (30, 50)
LAYERS = (4, 8)
SEEDS = range(5)
LINKAGES = ("components", "average")

EDGE_LOSSES = ("bce", "bce_positive", "bce_negative", "focal")
"""Losses over edges, without a partition: the baselines."""

SCORES = (
    "double_majority",
    "bcubed",
    "bcubed_precision",
    "bcubed_recall",
    "pair_f1",
    "pair_precision",
    "pair_recall",
    "rand",
    "adjusted_rand",
    "homogeneity",
    "completeness",
    "v_measure",
    "recovered",
)
"""Scores of a partition whose expectation is an objective."""

RECIPES = ("pairs+bce", "pairs+double_majority+bce", "pairs+bcubed+bce")
"""Objectives that are trained everywhere: the reported scores, and what they share."""

TRIED = (
    "pairs",
    "double_majority",
    "double_majority+bce",
    *(f"pairs+{score}+bce" for score in SCORES),
)
"""Objectives that are trained once, with 30 tracks, 4 layers and seed 0."""


class Setting(NamedTuple):
    """Events, network and seed: what all methods of a cell share, the first phase included."""

    tracks: int
    layers: int
    seed: int


class Cell(NamedTuple):
    """One second phase of training, and its scores.

    Attributes:
        tracks: Tracks per event.
        layers: Layers of the network.
        seed: Seed of data, weights and batches.
        objective: Losses that are added, joined by "+".
        linkage: "edges" for a loss over edges, else the linkage that is trained through.
    """

    tracks: int
    layers: int
    seed: int
    objective: str
    linkage: str

    @property
    def name(self) -> str:
        """The name on the command line and in the records."""
        return "/".join(map(str, self))

    @property
    def setting(self) -> Setting:
        """The setting of the cell."""
        return Setting(*self[:3])

    @property
    def trained_linkage(self) -> str:
        """The linkage of the pool; a loss over edges does not use it."""
        return "components" if self.linkage == "edges" else self.linkage


def list_cells() -> list[Cell]:
    """List all cells in the order in which they are run: seed by seed, then all objectives once."""
    return list(dict.fromkeys(_list_cells()))


def _list_cells() -> Iterator[Cell]:
    settings = [Setting(n, depth, seed) for seed in SEEDS for n in TRACKS for depth in LAYERS]
    for setting in settings:
        yield from (Cell(*setting, loss, "edges") for loss in EDGE_LOSSES)
        yield from (Cell(*setting, o, linkage) for o in RECIPES for linkage in LINKAGES)
    yield from (Cell(*settings[0], o, linkage) for o in TRIED for linkage in LINKAGES)
