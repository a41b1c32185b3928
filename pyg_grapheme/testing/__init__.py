"""Tools to test layers: graphs, numerical gradients, a list of checks, an oracle.

Where the package is installed, pytest finds the fixtures of ``plugin`` by itself. It imports this
package at every start, so the names are imported on first access.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyg_grapheme.testing.check_result import CheckResult, format_results
    from pyg_grapheme.testing.checks import CHECKS
    from pyg_grapheme.testing.gradients import assert_gradients_match
    from pyg_grapheme.testing.graphs import degenerate_graphs, tie_free_batch, tie_free_graph
    from pyg_grapheme.testing.oracle import Clustering, enumerate_clusterings, expected_value
    from pyg_grapheme.testing.rewire_checks import REWIRE_CHECKS, check_rewire
    from pyg_grapheme.testing.run_checks import check_pool
    from pyg_grapheme.testing.split_checks import SPLIT_CHECKS, check_split

_MODULES = {
    "CHECKS": "checks",
    "REWIRE_CHECKS": "rewire_checks",
    "SPLIT_CHECKS": "split_checks",
    "CheckResult": "check_result",
    "Clustering": "oracle",
    "assert_gradients_match": "gradients",
    "check_pool": "run_checks",
    "check_rewire": "rewire_checks",
    "check_split": "split_checks",
    "degenerate_graphs": "graphs",
    "enumerate_clusterings": "oracle",
    "expected_value": "oracle",
    "format_results": "check_result",
    "tie_free_batch": "graphs",
    "tie_free_graph": "graphs",
}

__all__ = [
    "CHECKS",
    "REWIRE_CHECKS",
    "SPLIT_CHECKS",
    "CheckResult",
    "Clustering",
    "assert_gradients_match",
    "check_pool",
    "check_rewire",
    "check_split",
    "degenerate_graphs",
    "enumerate_clusterings",
    "expected_value",
    "format_results",
    "tie_free_batch",
    "tie_free_graph",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
