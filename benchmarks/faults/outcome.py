"""What came of a number of faults."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple


class Outcome(NamedTuple):
    """What came of some faults.

    Attributes:
        tried: Number of faults.
        survived: Number of those after which all was as without the fault.
        refused: Number of those that were refused in one line.
        failures: A line for each of the others: how to repeat it, and what happened.
    """

    tried: int
    survived: int
    refused: int
    failures: list[str]


def add_up(outcomes: Iterable[Outcome]) -> Outcome:
    """Add outcomes up."""
    listed = list(outcomes)
    return Outcome(
        sum(outcome.tried for outcome in listed),
        sum(outcome.survived for outcome in listed),
        sum(outcome.refused for outcome in listed),
        list(chain.from_iterable(outcome.failures for outcome in listed)),
    )
