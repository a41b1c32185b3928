"""The rooms of the house: who may look at whom."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_the_package_does_without_its_extras() -> None:
    """Without torch-scatter everything imports and pools."""
    code = (
        "import sys; sys.modules['torch_scatter'] = None;"
        "import pyg_grapheme.nn, pyg_grapheme.text, lightning_modules.fit, torch;"
        "from pyg_grapheme.nn import ThresholdMergePool;"
        "pool = ThresholdMergePool(reduce='max');"
        "x = torch.ones(3, 2, requires_grad=True);"
        "pool(x, torch.tensor([[0], [1]])).x.sum().backward(); print(x.grad.shape)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == "torch.Size([3, 2])", run.stderr
