"""The fixtures, in a project of somebody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

SOMEBODY_S = """
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
    """Whether pytest finds the plugin through the package's metadata here."""
    from importlib.metadata import entry_points

    return any(e.value == "pyg_grapheme.testing.plugin" for e in entry_points(group="pytest11"))


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_the_fixtures_are_there_by_themselves(tmp_path: Path, installed: bool) -> None:
    if not installed:
        pytest.skip("the package is not installed, only on the path")
    (tmp_path / "test_theirs.py").write_text(SOMEBODY_S)
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_nothing_heavy_is_imported_before_a_fixture_is_used() -> None:
    code = "import sys, pyg_grapheme.testing.plugin; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
