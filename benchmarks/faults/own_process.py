"""The peak memory of a function, in a process of its own."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from benchmarks.faults.training.runs import PROCESSES
from benchmarks.pools.memory import peak_bytes

GIBIBYTES = 16.0
"""Memory that all has to fit in."""


def find_in_own_process(find: Callable[..., list[str]], *arguments: object) -> list[str]:
    """Return what a function finds wrong, and whether it takes too much memory.

    The highest memory use of a process never falls, so each function gets a new one.

    Raises:
        BrokenProcessPool: if the process is killed.
    """
    with ProcessPoolExecutor(1, mp_context=PROCESSES) as executor:
        found, peak = executor.submit(_call, find, *arguments).result()
    return [*found, *([f"{peak:.1f} GiB"] if peak > GIBIBYTES else [])]


def _call(find: Callable[..., list[str]], *arguments: object) -> tuple[list[str], float]:
    found = find(*arguments)
    return found, peak_bytes() / 2**30
