"""Training from the command line, and what a run leaves behind."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import TQDMProgressBar

from lightning_modules import fit, load_module
from lightning_modules.cli import make_cli
from lightning_modules.run.run_progress_bar import RunProgressBar
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.text import read_examples
from pyg_grapheme.text.bundled import resolve_path


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


def test_the_config_of_a_run_runs_again(run_folder: Path) -> None:
    """The second run ends with the same weights, and does not touch the first."""
    before = {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")}
    fit.main(["--config", str(run_folder / "config.yaml")])
    assert {path: path.stat().st_mtime_ns for path in run_folder.rglob("*")} == before
    first, second = (
        torch.load(folder / "checkpoints" / "model.ckpt", weights_only=True)["state_dict"]
        for folder in (run_folder, run_folder.parent / "version_1")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_default_are_the_english_forms_and_one_bar() -> None:
    cli = make_cli([])
    splits = cli.datamodule.splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 1000, "unseen": 500}
    for option, bar in (
        ("--trainer.enable_progress_bar=null", RunProgressBar),
        ("--trainer.enable_progress_bar=false", type(None)),
        ("--trainer.callbacks=lightning.pytorch.callbacks.TQDMProgressBar", TQDMProgressBar),
    ):
        assert type(make_cli([option]).trainer.progress_bar_callback) is bar, option


def test_examples_are_counted_against_the_time_of_training_alone(checkpoint: Path) -> None:
    recorder = RunRecorder()
    recorder.curves = {"train/loss": [3.0, 2.0, 1.0], "val/loss": [9.0] * 3}
    recorder.seconds, recorder.training, recorder.validating = 10.0, 6.0, 3.0
    recorder.examples = 240
    summary = load_module(checkpoint).summarize(recorder)
    assert summary["examples_per_second"] == pytest.approx(240 / 6)
    assert (summary["loss_first"], summary["loss_last"]) == (3.0, 1.0)
    assert "val/loss_last" not in summary
