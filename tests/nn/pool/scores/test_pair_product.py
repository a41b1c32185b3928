"""Warnings of sparse products."""

from collections.abc import Callable
from subprocess import CompletedProcess


def test_users_see_no_warning_of_sparse_tensors(
    python: Callable[..., CompletedProcess[str]],
) -> None:
    # As ``pytest -W error`` does, the filter comes in front of those that imports leave in place.
    code = """
import warnings
warnings.simplefilter("error", UserWarning)
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.testing import check_pool, tie_free_graph
warnings.simplefilter("error", UserWarning)
graph = tie_free_graph()
ThresholdMergePool(0.5)(graph.x, graph.edge_index)
failed = [result for result in check_pool(ThresholdMergePool(0.5)) if not result.passed]
assert not failed, failed
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
