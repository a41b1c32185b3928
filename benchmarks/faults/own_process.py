"""Functions in processes of their own, and their peak memory."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from benchmarks.faults.training.runs import PROCESSES
from benchmarks.pools.memory import peak_bytes

Result = TypeVar("Result")

GIBIBYTES = 16.0
"""Memory that all has to fit in."""


def find_in_own_process(find: Callable[..., list[str]], *arguments: object) -> list[str]:
    """Return what a function finds wrong, and whether it takes too much memory.

    The highest memory use of a process never falls, so each function gets a new one.

    Raises:
        BrokenProcessPool: if the process is killed.
    """
    found, peak = call_in_own_process(_find, find, *arguments)
    return [*found, *([f"{peak:.1f} GiB"] if peak > GIBIBYTES else [])]


def call_in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Return what a function returns in a process of its own.

    Raises:
        BrokenProcessPool: if the process is killed.
    """
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as executor:
        return executor.submit(function, *arguments).result()


def _find(find: Callable[..., list[str]], *arguments: object) -> tuple[list[str], float]:
    found = find(*arguments)
    return found, peak_bytes() / 2**30
