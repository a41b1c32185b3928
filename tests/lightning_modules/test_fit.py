"""Training from the command line, and what a run leaves behind."""

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning_modules.report.summary import LOSSES, summarize_training

from lightning_modules import TextDataModule, fit, load_module
from lightning_modules.cli import config_folder
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.text import read_examples
from pyg_grapheme.text.bundled import resolve_path

CONFIGS = sorted(config_folder().glob("*.yaml"))


def test_a_run_leaves_a_full_folder(run_folder: Path) -> None:
    names = {path.name for path in run_folder.iterdir()}
    assert {
        "checkpoints",
        "config.yaml",
        "metrics.csv",
        "summary.json",
        "predictions.tsv",
        "report.html",
        "loss.png",
        "threshold.png",
        "merges.png",
    } <= names
    assert not list(run_folder.glob("*.part"))
    assert (run_folder / "checkpoints" / "model.ckpt").is_file()


def test_the_summary_says_what_was_learned(run_folder: Path) -> None:
    summary = json.loads((run_folder / "summary.json").read_text())
    assert summary["epochs"] == 2
    assert summary["cross_entropy_last"] < summary["cross_entropy_first"]
    assert summary["raw_threshold_first"] == pytest.approx(math.log(0.9 / 0.1), abs=1e-3)
    assert summary["raw_threshold_last"] != summary["raw_threshold_first"]
    assert set(summary["splits"]) == {"train", "unseen"}
    assert 0 < summary["splits"]["train"]["coarsening_ratio"] <= 1
    trained = 2 * summary["splits"]["train"]["examples"] / summary["examples_per_second"]
    assert summary["seconds"] > trained + summary["validation_seconds"] >= trained > 0


def test_metrics_have_a_line_an_epoch(run_folder: Path) -> None:
    with (run_folder / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss"]]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    gradients = [float(row["train/raw_threshold_grad"]) for row in rows]
    assert all(math.isfinite(gradient) and gradient != 0 for gradient in gradients)


def test_predictions_are_there_for_every_example(run_folder: Path) -> None:
    with (run_folder / "predictions.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, dialect="excel-tab"))
    examples = read_examples(resolve_path("bundled:kindergarten.jsonl"))
    examples += read_examples(resolve_path("bundled:kindergarten_unseen.jsonl"))
    assert [(r["input"], r["target"]) for r in rows] == [(e.source, e.target) for e in examples]


def test_a_second_run_does_not_touch_the_first(short_run: list[str], run_folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")}
    fit.main([*short_run, f"--output={run_folder.parent.parent}"])
    assert (run_folder.parent / "version_1" / "summary.json").is_file()
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")} == before


def test_the_same_run_again_ends_with_the_same_weights(
    short_run: list[str], run_folder: Path, tmp_path: Path
) -> None:
    fit.main([*short_run, f"--output={tmp_path}"])
    first, second = (
        torch.load(folder / "checkpoints" / "model.ckpt", weights_only=True)["state_dict"]
        for folder in (run_folder, tmp_path / "kindergarten" / "version_0")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_config_of_a_run_runs_again(run_folder: Path, tmp_path: Path) -> None:
    config = run_folder / "config.yaml"
    fit.main(["--config", str(config), f"--output={tmp_path}", "--trainer.max_epochs=1"])
    assert (tmp_path / "kindergarten" / "version_0" / "summary.json").is_file()


def _first_lines(files: dict[str, Any], folder: Path) -> list[str]:
    """Options that name the first lines of a config's files, for a run is reported whole."""
    if "train" not in files:
        return ["--data.init_args.train_count=20", "--data.init_args.test_count=5"]
    shortened = {}
    named = {"train": files["train"], "val": files.get("val"), **files.get("test", {})}
    for split, name in named.items():
        if name is None or name.startswith("bundled:"):
            continue
        path = resolve_path(name)
        if not path.exists():
            pytest.skip(f"the data set {name} is not on this machine")
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:60]
        shortened[split] = folder / f"{split}{path.suffix}"
        shortened[split].write_text("".join(lines).rstrip("\n"), encoding="utf-8")
    return [
        f"--data.init_args.{split if split in ('train', 'val') else f'test.{split}'}={path}"
        for split, path in shortened.items()
    ]


@pytest.mark.parametrize("config", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_config_runs(
    short_run: list[str], config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent.parent)
    files = yaml.safe_load(config.read_text())["data"]["init_args"]
    fit.main(
        [
            "--config",
            str(config),
            *short_run,
            "--trainer.max_epochs=1",
            "--trainer.limit_train_batches=2",
            "--trainer.check_val_every_n_epoch=1",
            f"--output={tmp_path}",
            *_first_lines(files, tmp_path),
        ]
    )
    (folder,) = tmp_path.glob("*/version_0")
    assert json.loads((folder / "summary.json").read_text())["epochs"] == 1
    assert (folder / "checkpoints" / "model.ckpt").is_file()
    if "val" in files:
        states = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"]
        (kept,) = (state for name, state in states.items() if name.startswith("RunCheckpoint"))
        assert kept["best_model_score"] is not None


def test_what_is_kept_may_be_kept_elsewhere(short_run: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    fit.main([*short_run, f"--output={tmp_path}", f"--checkpoint.dirpath={folder}"])
    run = tmp_path / "kindergarten/version_0"
    summary = json.loads((run / "summary.json").read_text())
    assert (run / summary["checkpoint"]).resolve() == (folder / "model.ckpt").resolve()


def test_a_schedule_needs_an_end(short_run: list[str], tmp_path: Path) -> None:
    endless = ["--trainer.max_epochs=-1", "--trainer.max_time=00:00:01:00"]
    with pytest.raises(ValueError, match="Expected 'schedule' to be \"constant\" where neither"):
        fit.main([*short_run, *endless, "--model.schedule=linear", f"--output={tmp_path}"])


def test_examples_are_counted_against_the_time_of_training_alone(checkpoint: Path) -> None:
    recorder = RunRecorder()
    recorder.curves = {name: [3.0, 2.0, 1.0] for name in LOSSES}
    recorder.seconds, recorder.training, recorder.validating = 10.0, 6.0, 3.0
    recorder.examples = 240
    summary = summarize_training(load_module(checkpoint), TextDataModule(), recorder)
    assert summary["examples_per_second"] == pytest.approx(240 / 6)
    assert (summary["loss_first"], summary["loss_last"]) == (3.0, 1.0)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_gradients_are_clipped_in_other_precisions(
    precision: str, short_run: list[str], tmp_path: Path
) -> None:
    clipped = [f"--trainer.precision={precision}", "--trainer.gradient_clip_val=1.0"]
    cpu = ["--trainer.accelerator=cpu", "--trainer.max_epochs=1"]
    val = "--data.val=bundled:kindergarten_unseen.jsonl"
    fit.main([*short_run, *clipped, *cpu, val, f"--output={tmp_path}"])
    splits = json.loads((tmp_path / "kindergarten/version_0/summary.json").read_text())["splits"]
    assert set(splits) == {"train", "val", "unseen"}


def test_examples_of_an_epoch_that_is_cut_short_are_counted(
    short_run: list[str], tmp_path: Path
) -> None:
    short = ["--data.batch_size=16", "--trainer.limit_train_batches=2"]
    fit.main([*short_run, *short, f"--output={tmp_path}"])
    last = tmp_path / "kindergarten/version_0/checkpoints/last.ckpt"
    noted = torch.load(last, weights_only=True)["callbacks"]["RunRecorder"]
    assert noted["examples"] == 2 * 2 * 16


def test_a_run_may_train_on_standard_input(
    short_run: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("ab\tb\né\te\n".encode())))
    fit.main([*short_run, "--data.train=-", "--data.test=null", f"--output={tmp_path}"])
    summary = json.loads((tmp_path / "kindergarten/version_0/summary.json").read_text())
    assert summary["splits"]["train"]["examples"] == 2


def test_a_run_may_draw_its_cuts(short_run: list[str], tmp_path: Path) -> None:
    fit.main([*short_run, "--model.max_cuts=3", f"--output={tmp_path}"])
    folder = tmp_path / "kindergarten/version_0"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["loss_last"] < summary["loss_first"]
    assert summary["raw_threshold_last"] != summary["raw_threshold_first"]
    assert "max_cuts: 3" in (folder / "config.yaml").read_text()


@pytest.mark.parametrize("loss", ["structural", "cross_entropy", "hybrid"])
def test_every_loss_trains(short_run: list[str], loss: str, tmp_path: Path) -> None:
    fit.main([*short_run, f"--model.loss={loss}", f"--output={tmp_path}"])
    summary = json.loads((tmp_path / "kindergarten/version_0/summary.json").read_text())
    assert summary["loss_last"] < summary["loss_first"]
    assert (summary["structural_first"] == 0) == (loss == "cross_entropy")
    assert (summary["cross_entropy_first"] == 0) == (loss == "structural")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data.train=nowhere.tsv"], "nowhere.tsv: no such file"),
        (["--data.train=bundled:nothing.jsonl"], "expected one of bundled:kindergarten.jsonl"),
        (["--data.batch_sizes=3"], "batch_sizes"),
        (["--model.chanels=3"], "chanels"),
        (["--model.chan=8"], "chan"),
        (["--trainer.max_epoch=3"], "max_epoch"),
        (["--conf=conf/maths.yaml"], "conf"),
        (["--model.head=2"], "head"),
        (["--model.channels=6"], "Expected 'channels' to be a positive multiple of 4 (got 6)"),
        (["--model.layers=-3"], "Expected 'layers' to be at least 1 (got -3)"),
        (["--model.lr=-1"], "Expected 'lr' to be at least 0 (got -1.0)"),
        (["--model.dropout=1"], "Expected 'dropout' to be in [0, 1) (got 1.0)"),
        (["--model.pool.temprature=0.1"], "temprature"),
        (["--model.pool.merge=component"], "component"),
        (["--model.pool.reduce=men"], "Expected 'reduce' to be a PyG aggregation"),
        (
            ["--model.pool.threshold=1.5"],
            r"Expected 'threshold' to be in (0, 1), and not within 1e-7 of 1 (got 1.5)",
        ),
        (["--model.loss=hybird"], "hybird"),
        (["--data.batch_size=0"], "Expected 'batch_size' to be at least 1 (got 0)"),
        (["--config=nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_misspelt_is_named(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stop:
        fit.main([*arguments, f"--output={tmp_path}"])
    assert stop.value.code not in (0, None)
    assert message in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "byte 0x89, which is not UTF-8"),
        (b"lemma\n", "found 1 field(s) ['lemma']"),
        (b'{"input": "", "target": "a"}\n', "an empty input text"),
    ],
    ids=["empty", "binary", "one column", "empty text"],
)
def test_a_file_that_is_no_data_is_named(
    content: bytes, message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "data.tsv"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--data.train={path}", f"--output={tmp_path / 'runs'}"])
    assert stop.value.code == 2
    error = capfd.readouterr().err
    assert str(path) in error
    assert message in error


def test_an_output_folder_that_can_not_be_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--output={tmp_path / 'file'}"])
    assert stop.value.code == 2
    assert str(tmp_path / "file") in capfd.readouterr().err


def test_no_epoch_gives_no_report(
    short_run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit.main([*short_run, "--trainer.max_epochs=0", f"--output={tmp_path}"])
    assert "no epoch was trained" in capsys.readouterr().out
