"""What travels in the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_the_configs_and_the_questions(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {f"lightning_modules/conf/{path.name}" for path in (ROOT / "conf").glob("*.yaml")}
    assert configs
    assert configs <= names
    assert "pyg_grapheme/data/bundled/kindergarten.jsonl" in names
    assert "pyg_grapheme/py.typed" in names
    assert not [name for name in names if name.startswith("tests")]
