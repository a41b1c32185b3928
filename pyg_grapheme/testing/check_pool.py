"""Any PyG-style pool is put through a list of checks."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from pyg_grapheme.testing.check_result import CheckResult
from pyg_grapheme.testing.checks import CHECKS, Check
from pyg_grapheme.testing.specimens import Specimens, draw_specimens


def check_pool(pool: nn.Module, features: int | None = None) -> list[CheckResult]:
    """Put a pool through all checks, each on a copy of its own, on the device where the pool is.

    Every check names the precision in which it looks at the pool: float32, and float64 where it
    compares with central differences. Not all findings are faults: a pool that keeps some of the
    nodes and drops the others loses nodes, and takes connected graphs apart. What is asked of
    parameters, or of the attributes of edges, holds for a pool without.

    Args:
        pool: Called as ``pool(x, edge_index, batch=batch)``. Returns a tuple that begins with x and
            edge_index, in which the first int64 vector after these is the batch, and what stands
            between them the attributes of the edges, as PyG's pools do; or something with ``x``,
            ``edge_index`` and ``batch``. Where its ``forward`` has ``edge_attr`` [E, 2] or
            ``edge_weight`` [E], it is called with these too.
        features: Of the nodes that it takes, two at least; its ``in_channels`` if None, or else 3.

    Returns:
        One result a check, in the order of ``CHECKS``, whatever the pool raises. The state of
        torch's random numbers is what it was.

    Raises:
        ValueError: if the pool is not a module, or is to take fewer than two features.

    Cost: two calls of the pool for each number of x and of its parameters, and a hundred more.
    """
    if not isinstance(pool, nn.Module):
        raise ValueError(f"Expected 'pool' to be a torch.nn.Module (got {type(pool).__name__})")
    specimens = draw_specimens(_in_channels(pool) if features is None else features)
    device = next((t.device for t in chain(pool.parameters(), pool.buffers())), torch.device("cpu"))
    return [
        _judge(name, check, pool, specimens.to(device, check.dtype), device)
        for name, check in CHECKS.items()
    ]


def _in_channels(pool: nn.Module) -> int:
    """What PyG's pools call the number of features; 3 where it is not there or not known yet."""
    found = getattr(pool, "in_channels", None)
    return found if isinstance(found, int) and found > 0 else 3


def _judge(
    name: str, check: Check, pool: nn.Module, specimens: Specimens, device: torch.device
) -> CheckResult:
    with _seeded(device):
        try:
            check.judge(copy.deepcopy(pool).to(check.dtype), specimens)
        except Exception as error:  # whatever a stranger's pool stumbles on is its result
            reason = " ".join(str(error).split()) or type(error).__name__
            prefix = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            return CheckResult(name, False, prefix + reason)
    return CheckResult(name, True, "")


@contextmanager
def _seeded(device: torch.device) -> Iterator[None]:
    """Draw the same numbers each time, and leave those of the caller where they were."""
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        # Not torch.manual_seed, which would seed devices that are not put back.
        torch.default_generator.manual_seed(0)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(0)
        yield
