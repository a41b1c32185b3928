"""A task that is not text: its module and data are fitted, resumed, evaluated and predicted."""

import json
import sys
from pathlib import Path

import pytest

from lightning_modules import CheckpointError, evaluate, fit, load_module, predict

LINES = '''
import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset
from lightning_modules import TaskModule


class LineData(L.LightningDataModule):
    """Points on a line through the origin."""

    def __init__(self, slope: float = 2.0, count: int = 8) -> None:
        super().__init__()
        self.scale = 1 / abs(slope)
        x = torch.arange(1.0, count + 1)
        self.points = TensorDataset(x, slope * x)

    def train_dataloader(self):
        return DataLoader(self.points, batch_size=4)


class Line(TaskModule):
    """Learn the slope."""

    data_links = ("scale",)
    changeable = frozenset({"lr"})

    def __init__(self, scale: float, lr: float = 0.01, power: int = 2) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.scale, self.lr, self.power = scale, lr, power
        self.slope = torch.nn.Parameter(torch.zeros(()))

    def tracked_values(self):
        return {"slope": self.slope.detach()}

    def training_step(self, batch):
        x, y = batch
        loss = ((self.scale * (self.slope * x - y)) ** self.power).mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    @classmethod
    def add_evaluate_arguments(cls, parser):
        parser.add_argument("--slope", type=float, default=2.0)

    def evaluate(self, options):
        return {"line": {"examples": 1, "error": abs(self.slope.item() - options.slope)}}

    @classmethod
    def add_predict_arguments(cls, parser):
        parser.add_argument("x", type=float, nargs="+")

    def predict_lines(self, options):
        for x in options.x:
            yield [f"{self.slope.item() * x:.6f}"]
'''
OPTIONS = [
    "--model=lines_task.Line",
    "--data=lines_task.LineData",
    "--data.slope=4",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.log_every_n_steps=1",
    "--name=lines",
]


def slope_after(epochs: int) -> float:
    """Gradient descent worked out by hand: two batches of four points per epoch, scale 1/4."""
    slope = 0.0
    for _ in range(epochs):
        for batch in ((1, 2, 3, 4), (5, 6, 7, 8)):
            slope -= 0.01 * sum(2 / 16 * (slope * x - 4 * x) * x for x in batch) / 4
    return slope


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a run of two epochs."""
    (tmp_path / "lines_task.py").write_text(LINES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lines_task", raising=False)
    (tmp_path / "model.yaml").write_text("class_path: lines_task.Line\n")
    fit.main(
        [
            *OPTIONS,
            f"--model={tmp_path}/model.yaml",
            "--trainer.max_epochs=2",
            f"--output={tmp_path}",
        ]
    )
    return tmp_path / "lines" / "version_0"


def test_another_task_has_the_same_commands(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["slope_first"] == 0
    assert summary["slope_last"] == pytest.approx(slope_after(2), rel=1e-5)
    assert summary["loss_last"] < summary["loss_first"]
    assert "class_path: lines_task.Line" in (run / "config.yaml").read_text()
    # A resumed run needs no arguments but its folder.
    fit.main([f"--ckpt_path={run}", "--trainer.max_epochs=3"])
    assert json.loads((run / "summary.json").read_text())["epochs"] == 3
    checkpoint = run / "checkpoints" / "last.ckpt"
    module = load_module(checkpoint)
    assert (type(module).__name__, module.scale) == ("Line", 0.25)
    assert module.slope.item() == pytest.approx(slope_after(3), rel=1e-5)
    capfd.readouterr()
    evaluate.main(["--ckpt_path", str(checkpoint), "--slope", "4"])
    header, row = capfd.readouterr().out.splitlines()
    assert header.split() == ["split", "examples", "error"]
    assert row.split() == ["line", "1", f"{4 - slope_after(3):.3f}"]
    predict.main(["--ckpt_path", str(checkpoint), "1", "-2"])
    written = [float(line) for line in capfd.readouterr().out.splitlines()]
    assert written == pytest.approx([slope_after(3), -2 * slope_after(3)], rel=1e-5)


def test_only_changeable_options_may_change(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fit.main([f"--ckpt_path={run}", "--trainer.max_epochs=3", "--model.lr=0.02"])
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--ckpt_path={run}", "--trainer.max_epochs=4", "--model.power=4"])
    assert stop.value.code == 2
    assert "of a model of the same 'power' (got 2, not 4)" in capfd.readouterr().err


def test_its_checkpoint_needs_its_class(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.parents[1] / "lines_task.py").write_text("import torch\nLine = torch.nn.Linear\n")
    monkeypatch.delitem(sys.modules, "lines_task")
    with pytest.raises(CheckpointError, match=r"subclass of TaskModule \(got 'lines_task.Line'"):
        load_module(run / "checkpoints" / "last.ckpt")
    monkeypatch.delitem(sys.modules, "lines_task")
    monkeypatch.setattr(sys, "path", sys.path[1:])
    with pytest.raises(CheckpointError, match="No module named 'lines_task'"):
        load_module(run / "checkpoints" / "last.ckpt")


def test_what_a_task_lacks_is_named(
    run: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    task = run.parents[1] / "lines_task.py"
    task.write_text(LINES.replace("def predict_lines", "def predict_all"))
    monkeypatch.delitem(sys.modules, "lines_task")
    with pytest.raises(SystemExit) as stop:
        predict.main(["--ckpt_path", str(run / "checkpoints" / "last.ckpt")])
    assert stop.value.code == 2
    assert "Line cannot predict: it has no method 'predict_lines'" in capfd.readouterr().err
    task.write_text(LINES.replace("self.save_hyperparameters()", ""))
    monkeypatch.delitem(sys.modules, "lines_task")
    with pytest.raises(SystemExit) as stop:
        fit.main([*OPTIONS, f"--output={run.parents[1]}"])
    assert stop.value.code == 2
    assert "Expected Line to call save_hyperparameters" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=nowhere.Line"], "Expected a class of a module (got 'nowhere.Line'"),
        (["--model=torch.nn.Linear"], "Expected a subclass of TaskModule (got 'torch.nn.Linear')"),
        (["--model=Lyne"], "Expected a class of a module (got 'Lyne'"),
    ],
)
def test_what_is_no_task_is_named(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        fit.main(arguments)
    assert stop.value.code == 2
    assert message in capfd.readouterr().err
