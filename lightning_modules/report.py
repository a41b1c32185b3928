"""What a run leaves behind in its folder, and what it shows at its end."""

import csv
import json
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer

from lightning_modules.callbacks import RunRecorder
from lightning_modules.checkpoint import load_module
from lightning_modules.datamodule import TextDataModule
from lightning_modules.module import TransformModule, mean_expected_loss
from lightning_modules.pictures import write_pictures
from lightning_modules.scoring import Scores, predict_examples, print_scores
from pyg_grapheme.data import Example, normalize
from pyg_grapheme.data.whole_file import whole_file

_LOSSES = ("train/loss", "train/structural", "train/cross_entropy")


def report_run(
    trainer: Trainer,
    data: TextDataModule,
    recorder: RunRecorder,
    shown: int = 5,
) -> None:
    """Sum a run up, in files beside its checkpoint and in tables on the terminal.

    Writes ``summary.json``, ``predictions.tsv`` and pictures into the logger's folder. The weights
    that are reported on are those of the checkpoint.

    Args:
        trainer: That has run.
        data: What it was trained on.
        recorder: What was noted meanwhile.
        shown: Predictions a split to show on the terminal.
    """
    if not trainer.is_global_zero or trainer.log_dir is None:
        return
    if "train/loss" not in recorder.curves:
        print("no epoch was trained: nothing to report")
        return
    folder = Path(trainer.log_dir)
    checkpoint = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not checkpoint:
        # Shorter than one round of validation, or without a checkpoint callback.
        checkpoint = str(folder / "checkpoints" / "model.ckpt")
        trainer.save_checkpoint(checkpoint)
    module = load_module(checkpoint)
    predictions, scores = {}, {}
    for split, dataset in data.datasets.items():
        predictions[split], scores[split] = predict_examples(module, dataset)
    summary = {
        "checkpoint": str(Path(checkpoint).relative_to(folder)),
        **_training_summary(module, data, recorder),
        "splits": {split: score._asdict() for split, score in scores.items()},
    }
    with whole_file(folder / "summary.json") as file:
        json.dump(summary, file, indent=2, allow_nan=False)
    _write_predictions(folder / "predictions.tsv", data.splits, predictions)
    drawn = write_pictures(folder, module, recorder.curves, data.splits["train"])
    _print_predictions(data, predictions, shown)
    _print_summary(folder, scores, summary)
    if not drawn:
        print("no pictures: matplotlib is not installed (pip install 'pyg-grapheme[viz]')")


def _training_summary(
    module: TransformModule, data: TextDataModule, recorder: RunRecorder
) -> dict[str, Any]:
    """First and last values; the loss at both thresholds, all other weights being the last."""
    raw_first, curves = recorder.raw_first, recorder.curves
    raw_last = float(module.net.pool.raw_threshold.detach())
    batches = list(data.loader("train"))
    epochs = len(curves["train/loss"])
    ends = {
        f"{name.removeprefix('train/')}_{end}": curves[name][index]
        for name in _LOSSES
        for end, index in (("first", 0), ("last", -1))
    }
    return {
        **ends,
        "raw_threshold_first": raw_first,
        "raw_threshold_last": raw_last,
        "threshold_first": float(torch.tensor(raw_first).sigmoid()),
        "threshold_last": float(torch.tensor(raw_last).sigmoid()),
        "expected_loss_at_first_threshold": mean_expected_loss(module, batches, raw_first),
        "expected_loss_at_last_threshold": mean_expected_loss(module, batches, raw_last),
        "epochs": epochs,
        "seconds": recorder.seconds,
        "examples_per_second": epochs * len(data.splits["train"]) / recorder.seconds,
    }


def _write_predictions(
    path: Path, splits: dict[str, list[Example]], predictions: dict[str, list[str]]
) -> None:
    with whole_file(path) as file:
        rows = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        rows.writerow(["input", "prediction", "target", "tags", "split"])
        for split, examples in splits.items():
            for example, prediction in zip(examples, predictions[split], strict=True):
                tags = ";".join(example.tags)
                rows.writerow([example.source, prediction, example.target, tags, split])


def _print_predictions(data: TextDataModule, predictions: dict[str, list[str]], shown: int) -> None:
    print()
    for split, examples in data.splits.items():
        for example, prediction in zip(examples[:shown], predictions[split], strict=False):
            tags = f" [{';'.join(example.tags)}]" if example.tags else ""
            right = prediction == normalize(example.target, data.form)
            verdict = "correct" if right else f"expected {example.target}"
            print(f"{split:<8} {example.source}{tags} -> {prediction} ({verdict})")
    print()


def _print_summary(folder: Path, scores: dict[str, Scores], summary: dict[str, Any]) -> None:
    print_scores(scores)
    print()
    for name, label in (
        ("cross_entropy", "cross-entropy"),
        ("structural", "structural loss"),
        ("raw_threshold", "raw threshold"),
    ):
        print(f"{label:<16} {summary[name + '_first']:8.3f} -> {summary[name + '_last']:.3f}")
    print(
        f"{'expected loss':<16} {summary['expected_loss_at_first_threshold']:8.3f} at the first "
        f"threshold, {summary['expected_loss_at_last_threshold']:.3f} at the last, "
        "other weights equal"
    )
    print(f"{'time':<16} {summary['seconds']:8.1f} s for {summary['epochs']} epochs")
    print(f"all in {folder}")
