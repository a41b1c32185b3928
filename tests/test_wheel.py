"""The content of the wheel, and that it is enough."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SOMEBODY_S = """
import pyg_grapheme.nn


def test_fixtures(tie_free_graph, assert_gradients_match, check_pool):
    assert pyg_grapheme.__file__.startswith({unpacked!r})
    graph = tie_free_graph(5, seed=1)
    assert_gradients_match(lambda x: x.sin(), [graph.x])
    pool = pyg_grapheme.nn.ThresholdMergePool()
    assert all(result.passed for result in check_pool(pool, 3))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_pytest_finds_the_fixtures_where_only_the_wheel_is(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    (points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "[pytest11]" in points.read_text()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "test_theirs.py").write_text(
        SOMEBODY_S.format(unpacked=str(unpacked.resolve()))
    )
    # An interpreter of its own finds the packages on the path, but follows no `.pth` file there,
    # which is what an editable installation of this checkout is.
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    packages = sysconfig.get_paths()["purelib"]
    done = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(unpacked), packages])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_wheel_holds_the_configs_and_the_data_with_their_licences(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {f"lightning_modules/conf/{path.name}" for path in (ROOT / "conf").glob("*.yaml")}
    assert configs
    assert configs <= names
    bundled = {path.name for path in (ROOT / "pyg_grapheme/text/bundled").iterdir()}
    assert {"english.tsv", "english_unseen.tsv", "LICENSE-english.txt"} <= bundled
    assert {f"pyg_grapheme/text/bundled/{n}" for n in bundled - {"__pycache__"}} <= names
    licences = {name.split("/licenses/")[-1] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "pyg_grapheme/text/bundled/LICENSE-english.txt"}
    assert "pyg_grapheme/py.typed" in names
    assert "lightning_modules/report/style.css" in names
    assert not [name for name in names if name.startswith("tests")]
