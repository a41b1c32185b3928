"""Runs that are killed and resumed.

Run by itself with the arguments of ``fit``, this module is a run that kills itself in an epoch.
"""

import csv
import errno
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from lightning_modules import CheckpointError, TransformModule, fit
from lightning_modules.cli import config_folder, make_cli
from lightning_modules.report import page
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.resume import find_checkpoint
from lightning_modules.run.run_checkpoint import RunCheckpoint
from pyg_grapheme.text import GraphPair

pytestmark = pytest.mark.usefixtures("without_pictures")

OPTIONS = [
    f"--config={config_folder() / 'kindergarten.yaml'}",
    "--trainer.max_epochs=4",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.log_every_n_steps=1",
    "--model.channels=8",
    "--model.layers=1",
    "--model.dropout=0.3",
    "--model.max_cuts=2",
    "--model.pool.temperature=1.0",
    "--data.batch_size=2",
    "--name=cars",
]
VALIDATION = [
    "--trainer.check_val_every_n_epoch=2",
    "--checkpoint.monitor=val/char_error_rate",
    "--trainer.callbacks+=lightning_modules.WeightAverages",
    "--trainer.callbacks.decay=0.5",
]
"""The weights that are validated and saved are averages over the steps."""
PAIRS = {
    "train": ["cat\tcats", "car\tcars", "bus\tbuses", "box\tboxes", "hat\thats"],
    "val": ["rat\trats", "fox\tfoxes", "art\tarts"],
}


class KilledError(Exception):
    """An exception in place of a kill."""


class Kill(L.Callback):
    """Raise at the start or the end of an epoch, or end the process in the midst of one."""

    def __init__(self, when: str, epoch: int) -> None:
        self.when, self.epoch = when, epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if (self.when, self.epoch) == ("start", trainer.current_epoch):
            raise KilledError

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, i: int) -> None:
        if (self.when, self.epoch) == ("midst", trainer.current_epoch) and i == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if (self.when, self.epoch) == ("end", trainer.current_epoch):
            raise KilledError


def run_and_kill(arguments: list[str], when: str, epoch: int) -> None:
    cli = make_cli(arguments)
    cli.trainer.callbacks.insert(0, Kill(when, epoch))
    cli.trainer.fit(cli.model, cli.datamodule)


def content(folder: Path, name: str = "last") -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(
        folder / "checkpoints" / f"{name}.ckpt", weights_only=True
    )
    return checkpoint


def curves(folder: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = content(folder)["callbacks"]["RunRecorder"]["curves"]
    return found


def assert_same(first: Path, second: Path, name: str) -> None:
    """Weights, and what the optimiser remembers, are the same bit for bit."""
    a, b = content(first, name), content(second, name)
    assert a["global_step"] == b["global_step"]
    averaged = "averaging_state" in a
    # Beside their averages there are the weights themselves.
    for state in ("state_dict", *(["current_model_state"] if averaged else [])):
        for key in a[state]:
            assert torch.equal(a[state][key], b[state][key]), key
    moments = [c["optimizer_states"][0]["state"] for c in (a, b)]
    for i in moments[0]:
        assert torch.equal(moments[0][i]["exp_avg"], moments[1][i]["exp_avg"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    for name, pairs in PAIRS.items():
        (folder / f"{name}.tsv").write_text("".join(f"{pair}\n" for pair in pairs))
    return {name: str(folder / f"{name}.tsv") for name in PAIRS}


def options(files: dict[str, str], validated: bool, output: Path) -> list[str]:
    validation = [*VALIDATION, f"--data.val={files['val']}"] if validated else []
    return [*OPTIONS, *validation, f"--data.train={files['train']}", f"--output={output}"]


@pytest.fixture(scope="module")
def trained(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of four epochs that was let alone."""
    output = tmp_path_factory.mktemp("trained")
    fit.main(options(files, False, output))
    return output / "cars" / "version_0"


@pytest.fixture(scope="module")
def validated(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that has validated, too, after every second epoch."""
    output = tmp_path_factory.mktemp("validated")
    fit.main(options(files, True, output))
    return output / "cars" / "version_0"


def test_averages_are_kept_beside_the_weights(validated: Path) -> None:
    kept = content(validated)
    averages, weights = kept["state_dict"], kept["current_model_state"]
    assert averages.keys() == weights.keys()
    moving = [key for key in weights if not torch.equal(averages[key], weights[key])]
    assert "net.pool.raw_threshold" in moving
    assert not any(weights[key].dtype == torch.long for key in moving)


def assert_goes_on(folder: Path, expected: Path, epochs: int) -> None:
    """A run that was killed when it had so many epochs behind it ends as one that was not."""
    assert len(curves(folder)["train/loss"]) == epochs
    assert not (folder / "summary.json").exists()
    # The seeds of the run are in its checkpoint: no other may get in between.
    fit.main([f"--ckpt_path={folder}", "--seed_everything=1"])
    for name in ("last", "model"):
        assert_same(expected, folder, name)
    assert repr(curves(folder)) == repr(curves(expected))
    assert (folder / "metrics.csv").read_text() == (expected / "metrics.csv").read_text()
    assert json.loads((folder / "summary.json").read_text())["epochs"] == 4
    assert [path.name for path in folder.parent.iterdir()] == ["version_0"]
    checkpoints = {path.name for path in (folder / "checkpoints").iterdir()}
    assert checkpoints == {"last.ckpt", "model.ckpt"}
    assert "ckpt_path" not in (folder / "config.yaml").read_text()


def test_a_run_goes_on_between_epochs(trained: Path, files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        run_and_kill(options(files, False, tmp_path), "start", 2)
    assert_goes_on(tmp_path / "cars" / "version_0", trained, epochs=2)


def test_the_best_weights_of_an_epoch_that_is_trained_again_are_replaced(
    validated: Path, files: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        run_and_kill(options(files, True, tmp_path), "end", 1)
    folder = tmp_path / "cars" / "version_0"
    assert (folder / "checkpoints" / "model.ckpt").is_file()  # validated, and best so far
    assert_goes_on(folder, validated, epochs=1)


def test_a_run_goes_on_after_a_kill_in_an_epoch(
    validated: Path,
    files: dict[str, str],
    tmp_path: Path,
    kill_run: Callable[[list[str]], None],
) -> None:
    kill_run(options(files, True, tmp_path))
    assert_goes_on(tmp_path / "cars" / "version_0", validated, epochs=2)


def test_the_same_command_begins_a_run_and_goes_on_with_it(
    validated: Path, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*options(files, True, tmp_path), "--ckpt_path=last"]
    with pytest.raises(KilledError):
        run_and_kill(arguments, "start", 2)
    fit.main(arguments)
    assert_same(validated, tmp_path / "cars" / "version_0", "last")
    capsys.readouterr()
    fit.main(arguments)  # nothing is left to do but the report
    assert "for 4 epochs" in capsys.readouterr().out
    assert_same(validated, tmp_path / "cars" / "version_0", "last")


def test_a_moved_run_goes_on_for_longer(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "copy"
    shutil.copytree(trained, folder)
    fit.main([f"--ckpt_path={folder}", "--trainer.max_epochs=5"])
    assert len(curves(folder)["train/loss"]) == 5
    assert json.loads((folder / "summary.json").read_text())["checkpoint"] == (
        "checkpoints/model.ckpt"
    )
    assert "max_epochs: 5" in (folder / "config.yaml").read_text()
    with (folder / "metrics.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2", "3", "4"]


def test_a_checkpoint_without_its_folder_goes_on_in_a_new_one(
    validated: Path, files: dict[str, str], tmp_path: Path
) -> None:
    """The best weights so far were not copied: the best of the epochs to come are kept."""
    path = tmp_path / "copied.ckpt"
    shutil.copy(validated / "checkpoints" / "last.ckpt", path)
    arguments = [*options(files, True, tmp_path), f"--ckpt_path={path}"]
    for epochs, step in ((4, 12), (6, 18)):
        fit.main([*arguments, f"--trainer.max_epochs={epochs}"])
        run = max((tmp_path / "cars").iterdir())
        summary = json.loads((run / "summary.json").read_text())
        assert (summary["checkpoint"], summary["epochs"]) == ("checkpoints/model.ckpt", epochs)
        assert content(run, "model")["global_step"] == step


def test_all_that_a_checkpoint_knows_of_the_best_weights_is_restored(validated: Path) -> None:
    """The score of the newest of them too: the next one may come only after many epochs."""
    states = content(validated)["callbacks"]
    (state,) = (states[name] for name in states if name.startswith("RunCheckpoint"))
    assert state["current_score"] is not None
    callback = RunCheckpoint(dirpath=validated / "checkpoints", monitor=state["monitor"])
    callback.load_state_dict(state)
    assert callback.state_dict() == state


@pytest.mark.parametrize(
    ("owner", "name"), [(TorchCheckpointIO, "save_checkpoint"), (page, "atomic_write")]
)
def test_a_full_disk_is_told_in_one_line(
    owner: object,
    name: str,
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """While a checkpoint is written, and while the report is."""

    def full(*arguments: object) -> None:
        (path,) = (each for each in arguments if isinstance(each, Path))
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(owner, name, full)
    with pytest.raises(SystemExit) as stop:
        fit.main(options(files, False, tmp_path))
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    folder = "checkpoints/" if owner is TorchCheckpointIO else "report.html"
    assert re.fullmatch(rf"error: .*No space left on device: '.*/{folder}.*'", last)


def test_what_no_run_can_resume_from_is_named(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "version_0"
    shutil.copytree(trained, folder)

    def save(content: dict[str, Any], name: str) -> None:
        AtomicCheckpointIO().save_checkpoint(content, folder / "checkpoints" / name)

    save({"state_dict": content(folder)["state_dict"]}, "weights.ckpt")
    early = content(folder)
    early["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"] -= 1
    save(early, "early.ckpt")
    for name, loops in (("no_loops.ckpt", None), ("loops.ckpt", 3)):
        save({**content(folder), "loops": loops}, name)
    renamed = content(folder)
    renamed["state_dict"]["net.other"] = renamed["state_dict"].pop("net.activation.bias")
    save(renamed, "renamed.ckpt")
    for arguments, message in (
        (["--ckpt_path=nowhere.ckpt"], "nowhere.ckpt: no such file"),
        ([f"--ckpt_path={folder}", "--model.channels=12"], "the same 'channels' (got 8, not 12)"),
        ([f"--ckpt_path={folder}", "--model.lr=0.5"], "of the same 'lr' (got 0.004, not 0.5)"),
        ([f"--ckpt_path={folder}/checkpoints/early.ckpt"], "one of an epoch that was not over"),
        ([f"--ckpt_path={folder}/checkpoints/weights.ckpt"], "got weights alone"),
        ([f"--ckpt_path={folder}/checkpoints/no_loops.ckpt"], "without the progress of its run"),
        ([f"--ckpt_path={folder}/checkpoints/loops.ckpt"], "without the progress of its run"),
        ([f"--ckpt_path={folder}/config.yaml"], "got a damaged or foreign file"),
        ([f"--ckpt_path={folder}/checkpoints/renamed.ckpt"], "differs in 'net.activation.bias'"),
    ):
        with pytest.raises(SystemExit) as stop:
            fit.main([*arguments, f"--output={tmp_path / 'runs'}"])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_nan_beside_the_averages_is_refused(
    validated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = content(validated)
    damaged["current_model_state"]["net.activation.bias"].fill_(torch.nan)
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(damaged, path)
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--ckpt_path={path}", f"--output={tmp_path}", "--trainer.callbacks=null"])
    assert stop.value.code == 2
    assert "NaN or infinite ones in 'net.activation.bias'" in capsys.readouterr().err


def test_a_run_that_is_told_to_end_is_not_over(
    short_run: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = TransformModule.training_step

    def end(module: TransformModule, pair: GraphPair) -> torch.Tensor:
        os.kill(os.getpid(), signal.SIGTERM)
        return step(module, pair)

    monkeypatch.setattr(TransformModule, "training_step", end)
    with pytest.raises(SystemExit) as stop:
        fit.main([*short_run, f"--output={tmp_path}"])
    assert stop.value.code == 128 + signal.SIGTERM


def test_averages_do_not_pass_for_the_weights(
    validated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        fit.main(
            [
                f"--ckpt_path={validated}",
                "--trainer.callbacks=null",
                f"--output={tmp_path}",
                "--trainer.max_epochs=5",
            ]
        )
    assert stop.value.code == 2
    assert "expected 'callbacks' to have the weight averaging of the run" in capsys.readouterr().err


def test_to_go_on_runs_no_code(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({**content(trained), "object": Path}, path)
    with pytest.raises(CheckpointError, match="damaged or foreign"):
        find_checkpoint(str(path), tmp_path)


if __name__ == "__main__":
    run_and_kill(sys.argv[1:], "midst", 2)
