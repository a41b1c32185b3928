"""Every Python block of README and documentation runs, one namespace per page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_modules import TaskModule, TransformModule
from lightning_modules.run.checkpoint import KEPT

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = {"README", "index"}
"""Pages whose first block of text is what their Python blocks print in the end."""

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def run_snippets(page: Path) -> int:
    """Run the Python blocks of a page in their order; return their number."""
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": page.stem}
    blocks = list(BLOCK.finditer(text))
    for block in blocks:
        # Errors name the line of the page.
        source = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(source, str(page), "exec"), namespace)
    return len(blocks)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")],
    ids=lambda page: page.stem,
)
def test_snippets_run(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    save: Callable[[TaskModule, Path], Path],
) -> None:
    monkeypatch.chdir(tmp_path)
    if page.stem == "text":
        module = TransformModule(["e"], channels=8, layers=1)
        save(module, tmp_path / "runs/english/version_0" / KEPT)
    torch.manual_seed(0)
    assert run_snippets(page) > 0
    if page.stem in SHOWN:
        shown = OUTPUT.search(page.read_text(encoding="utf-8"))[1].splitlines()
        printed = capsys.readouterr().out.splitlines()[-len(shown) :]
        assert [NUMBER.sub("#", line) for line in printed] == [
            NUMBER.sub("#", line) for line in shown
        ]
        for got, expected in zip(printed, shown, strict=True):
            numbers = [[float(n) for n in NUMBER.findall(line)] for line in (got, expected)]
            assert numbers[0] == pytest.approx(numbers[1], abs=0.0101)
