"""The commands where an extra is not installed: one line that says what to install."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFUSING = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if {{name, name.split(".")[0]}} & {refused!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
sys.argv = [{command!r}, *{arguments!r}]
runpy.run_module({command!r}, run_name="__main__", alter_sys=True)
"""
WITHOUT_TEXT = " ([train] is enough without the text model)"
TRAIN, TEXT = {"lightning", "jsonargparse", "torchmetrics"}, {"regex", "rapidfuzz"}


def run(
    command: str, refused: set[str], *arguments: str, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    module = f"lightning_modules.{command}"
    code = REFUSING.format(refused=refused, command=module, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "refused", "hint"),
    [
        ("fit", TRAIN | TEXT, WITHOUT_TEXT),
        ("fit", TEXT, ""),
        ("evaluate", TRAIN | TEXT, WITHOUT_TEXT),
        ("predict", {"rapidfuzz"}, ""),
    ],
)
def test_a_missing_extra_is_named_in_one_line(
    command: str, refused: set[str], hint: str, checkpoint: Path
) -> None:
    arguments = [] if command == "fit" else ["--ckpt_path", str(checkpoint)]
    done = run(command, refused, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the package '")
    assert done.stderr.endswith(f"is not installed: pip install 'pyg-grapheme[text]'{hint}\n")
    assert done.stderr.count("\n") == 1


def test_another_task_does_without_the_text_extra(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(
        "import lightning as L, torch\n"
        "from torch.utils.data import DataLoader\n"
        # Partitions do without it, too.
        "from lightning_modules import PartitionModule, TaskModule\n"
        "class Data(L.LightningDataModule):\n"
        "    def train_dataloader(self): return DataLoader(torch.ones(2, 1))\n"
        "class Task(TaskModule):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.save_hyperparameters()\n"
        "        self.line = torch.nn.Linear(1, 1)\n"
        "    def training_step(self, x): return self.line(x).square().mean()\n"
        "    def configure_optimizers(self): return torch.optim.SGD(self.parameters(), lr=0.1)\n"
        "    def evaluate(self, options): return {'train': {'examples': 2}}\n"
    )
    # torchmetrics imports regex itself where its metadata are installed.
    refused = {"pyg_grapheme.text", "rapidfuzz"}
    options = ["--model=task.Task", "--data=task.Data", "--trainer.max_epochs=1"]
    done = run("fit", refused, *options, f"--output={tmp_path}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    last = tmp_path / "run" / "version_0" / "checkpoints" / "last.ckpt"
    done = run("evaluate", refused, f"--ckpt_path={last}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["train", "2"]
