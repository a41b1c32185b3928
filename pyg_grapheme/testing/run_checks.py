"""A list of checks, run on any layer."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from pyg_grapheme.testing.check_result import CheckResult
from pyg_grapheme.testing.checks import CHECKS, Check
from pyg_grapheme.testing.graphs import TestGraphs, draw_test_graphs


def check_pool(pool: nn.Module, features: int | None = None) -> list[CheckResult]:
    """Run all checks on a pool, each on its own copy, on the device of the pool.

    A check runs in float32, or in float64 if it compares with central differences. A failed check
    is not always a fault: a pool that keeps some nodes and drops the others loses nodes and
    disconnects graphs. Checks of parameters or of edge attributes pass if the pool has none.

    Args:
        pool: Called as ``pool(x, edge_index, batch=batch)``. It returns a tuple that begins with x
            and edge_index; the first int64 vector after these is the batch, and a tensor in between
            holds the edge attributes, as with PyG's pools. Or it returns an object with ``x``,
            ``edge_index`` and ``batch``. If its ``forward`` has a parameter ``edge_attr`` or
            ``edge_weight``, it is also called with attributes [E, 2] or weights [E].
        features: Number of node features, at least 2; by default the pool's ``in_channels``, or 3.

    Returns:
        One result per check, in the order of ``CHECKS``, whatever the pool raises. The state of
        torch's random number generators is restored.

    Raises:
        ValueError: if ``pool`` is not a module or ``features`` is below 2.

    Cost: two calls of the pool per entry of x and of its parameters, and about a hundred more.
    """
    return run_checks("pool", pool, CHECKS, features)


def run_checks(
    argument: str, layer: nn.Module, checks: Mapping[str, Check], features: int | None
) -> list[CheckResult]:
    """Run checks on a layer, whose name in the caller's arguments is ``argument``."""
    if not isinstance(layer, nn.Module):
        raise ValueError(
            f"Expected '{argument}' to be a torch.nn.Module (got {type(layer).__name__})"
        )
    graphs = draw_test_graphs(_in_channels(layer) if features is None else features)
    tensors = chain(layer.parameters(), layer.buffers())
    device = next((t.device for t in tensors), torch.device("cpu"))
    return [
        _run(name, check, layer, graphs.to(device, check.dtype), device)
        for name, check in checks.items()
    ]


def _in_channels(layer: nn.Module) -> int:
    """Return the number of features by PyG's name for it, or 3 if it is absent or lazy."""
    found = getattr(layer, "in_channels", None)
    return found if isinstance(found, int) and found > 0 else 3


def _run(
    name: str, check: Check, layer: nn.Module, graphs: TestGraphs, device: torch.device
) -> CheckResult:
    with _seeded(device):
        try:
            check.run(copy.deepcopy(layer).to(check.dtype), graphs)
        except Exception as error:  # any exception of the layer is a result
            reason = " ".join(str(error).split()) or type(error).__name__
            prefix = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            return CheckResult(name, False, prefix + reason)
    return CheckResult(name, True, "")


@contextmanager
def _seeded(device: torch.device) -> Iterator[None]:
    """Seed the generators, and restore the caller's state at the end."""
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        # torch.manual_seed would also seed devices that are not restored.
        torch.default_generator.manual_seed(0)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(0)
        yield
