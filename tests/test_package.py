"""The names and the version of the package itself."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pyg_grapheme
import pyg_grapheme.nn

ROOT = Path(__file__).parent.parent


def test_names_are_those_of_nn_and_load_on_first_use() -> None:
    code = (
        "import sys, pyg_grapheme\n"
        "assert 'ThresholdMergePool' in dir(pyg_grapheme)\n"
        "assert not {'torch', 'pyg_grapheme.nn'} & sys.modules.keys()\n"
        "assert pyg_grapheme.ThresholdMergePool(0.5).threshold.item() == 0.5\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True)
    for name in set(pyg_grapheme.__all__) - {"__version__"}:
        assert getattr(pyg_grapheme, name) is getattr(pyg_grapheme.nn, name)


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    cited = re.search(r"^version: (.+)$", citation, re.MULTILINE)
    assert cited is not None
    assert pyg_grapheme.__version__ == project["version"] == cited[1]
