"""The commands where an extra is not installed: one line that says what to install."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT_TEXT = " ([train] is enough without the text model)"
TRAIN, TEXT = ["lightning", "jsonargparse", "torchmetrics"], ["regex", "rapidfuzz"]
Python = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    ("command", "refused", "hint"),
    [
        ("fit", TRAIN + TEXT, WITHOUT_TEXT),
        ("fit", TEXT, ""),
        ("evaluate", TRAIN + TEXT, WITHOUT_TEXT),
        ("predict", ["rapidfuzz"], ""),
    ],
)
def test_a_missing_extra_is_named_in_one_line(
    command: str, refused: list[str], hint: str, checkpoint: Path, python: Python
) -> None:
    arguments = [] if command == "fit" else ["--ckpt_path", checkpoint]
    done = python("-m", f"lightning_modules.{command}", *arguments, without=refused)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the package '")
    assert done.stderr.endswith(f"is not installed: pip install 'pyg-grapheme[text]'{hint}\n")
    assert done.stderr.count("\n") == 1


def test_another_task_does_without_the_text_extra(tmp_path: Path, python: Python) -> None:
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
    refused = {"without": ["pyg_grapheme.text", "rapidfuzz"], "cwd": tmp_path}
    options = ["--model=task.Task", "--data=task.Data", "--trainer.max_epochs=1"]
    options.append(f"--output={tmp_path}")
    done = python("-m", "lightning_modules.fit", *options, **refused)
    assert done.returncode == 0, done.stderr
    last = tmp_path / "run" / "version_0" / "checkpoints" / "last.ckpt"
    done = python("-m", "lightning_modules.evaluate", f"--ckpt_path={last}", **refused)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["train", "2"]
