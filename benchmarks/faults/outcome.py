"""The results of a number of faults."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class Outcome(NamedTuple):
    """The results of some faults.

    Attributes:
        tried: Number of faults.
        survived: Number of those after which all was as without the fault.
        refused: Number of those that were refused in one line.
        failures: A line for each of the others: how to repeat it, and what happened.
        notes: What else the record has to say, and how often it was so.
    """

    tried: int
    survived: int
    refused: int
    failures: list[str]
    notes: Mapping[str, int] = MappingProxyType({})


def add_up(outcomes: Iterable[Outcome]) -> Outcome:
    """Add outcomes up."""
    listed = list(outcomes)
    notes: Counter[str] = Counter()
    for outcome in listed:
        notes.update(outcome.notes)
    return Outcome(
        sum(outcome.tried for outcome in listed),
        sum(outcome.survived for outcome in listed),
        sum(outcome.refused for outcome in listed),
        list(chain.from_iterable(outcome.failures for outcome in listed)),
        notes,
    )


def attempt(how: str, find: Callable[[], list[str]]) -> Outcome:
    """Try one fault that has to be survived.

    Args:
        how: What is tried.
        find: Tries it, and returns what is wrong. An exception is wrong, too: it must not end what
            else is tried.
    """
    try:
        found = find()
    except Exception as error:
        found = [name_error(error)]
    return Outcome(
        1, int(not found), 0, ["; ".join([f"{how}: {found[0]}", *found[1:]])] if found else []
    )


def name_error(error: Exception) -> str:
    """Return the name, the place and the message of an exception."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {str(error)[:300]}"
