"""What a pool, ours or a stranger's, is tested with: graphs, gradients by numbers, many checks.

With the package installed, pytest finds the fixtures by itself. It imports this room each time it
starts, so what is heavy is imported where it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyg_grapheme.testing.check_pool import check_pool
    from pyg_grapheme.testing.check_result import CheckResult, format_results
    from pyg_grapheme.testing.checks import CHECKS
    from pyg_grapheme.testing.gradients import assert_gradients_match
    from pyg_grapheme.testing.graphs import degenerate_graphs, tie_free_batch, tie_free_graph
    from pyg_grapheme.testing.oracle import Clustering, enumerate_clusterings, expected_value

__all__ = [
    "CHECKS",
    "CheckResult",
    "Clustering",
    "assert_gradients_match",
    "check_pool",
    "degenerate_graphs",
    "enumerate_clusterings",
    "expected_value",
    "format_results",
    "tie_free_batch",
    "tie_free_graph",
]

_ROOMS = {
    "check_pool": ("check_pool",),
    "check_result": ("CheckResult", "format_results"),
    "checks": ("CHECKS",),
    "gradients": ("assert_gradients_match",),
    "graphs": ("degenerate_graphs", "tie_free_batch", "tie_free_graph"),
    "oracle": ("Clustering", "enumerate_clusterings", "expected_value"),
}


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            # The function check_pool lives in a room of its name, which would hide it from now on.
            found = {n: getattr(import_module(f"{__name__}.{room}"), n) for n in names}
            globals().update(found)
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
