"""The cells of the table: one method on one graph, for one seed."""

from typing import NamedTuple

from benchmarks.rewiring.data import RATES
from benchmarks.rewiring.methods import METHODS

SEEDS = range(10)


class Cell(NamedTuple):
    """All trainings of one method on one graph.

    Attributes:
        rate: Rate of the attack, in %.
        seed: Seed of weights, dropout and noise.
        method: One of ``METHODS``.
    """

    rate: int
    seed: int
    method: str

    @property
    def name(self) -> str:
        """The name on the command line and in the records."""
        return "/".join(map(str, self))


def list_cells() -> list[Cell]:
    """List all cells in the order in which they are run: seed by seed."""
    return [Cell(rate, seed, method) for seed in SEEDS for rate in RATES for method in METHODS]
