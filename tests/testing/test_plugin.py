"""The fixtures in another project, and what the package imports."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Python = Callable[..., CompletedProcess[str]]
OTHER_PROJECT = """
import torch


def test_fixtures(
    tie_free_graph, tie_free_batch, tie_free_dag, degenerate_graphs,
    assert_gradients_match, check_pool,
):
    from torch_geometric.nn import TopKPooling

    graph = tie_free_graph(5, seed=1)
    assert_gradients_match(lambda x: x.sin() * tie_free_batch((5,)).x, [graph.x])
    assert (tie_free_dag(4).edge_index.diff(dim=0) > 0).all()
    assert "no nodes" in degenerate_graphs
    assert any(not result.passed for result in check_pool(TopKPooling(3), 3))
"""


@pytest.fixture
def installed() -> bool:
    """Return whether pytest finds the plugin through the metadata of the package."""
    from importlib.metadata import entry_points

    return any(e.value == "pyg_grapheme.testing.plugin" for e in entry_points(group="pytest11"))


def test_pytest_finds_the_fixtures(tmp_path: Path, installed: bool, python: Python) -> None:
    if not installed:
        pytest.skip("the package is not installed, so pytest does not find the plugin")
    (tmp_path / "test_other.py").write_text(OTHER_PROJECT)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_does_not_import_torch() -> None:
    code = "import sys, pyg_grapheme.testing.plugin; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_checks_need_torch_and_torch_geometric_only(python: Python) -> None:
    code = """
from pyg_grapheme import testing
from pyg_grapheme.nn import ThresholdMergePool

for name in testing.__all__:
    getattr(testing, name)
assert all(result.passed for result in testing.check_pool(ThresholdMergePool(0.5)))
"""
    done = python("-c", code, extras=False)
    assert done.returncode == 0, done.stderr
