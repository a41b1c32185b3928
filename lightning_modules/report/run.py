"""Sum a run up."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer

from lightning_modules.callbacks import RunRecorder
from lightning_modules.datamodule import TextDataModule
from lightning_modules.module import TransformModule
from lightning_modules.report.data import Line, ReportData, SplitResult
from lightning_modules.report.figures import write_pictures
from lightning_modules.report.merges import describe_merges
from lightning_modules.report.page import write_report
from lightning_modules.report.predictions import write_predictions
from lightning_modules.report.summary import summarize_training
from lightning_modules.report.terminal import print_predictions, print_summary
from lightning_modules.run.checkpoint import load_module
from lightning_modules.scoring import Scores, predict_examples
from pyg_grapheme import __version__
from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.text import Example, split_units
from pyg_grapheme.typing import UnitsName


def report_run(
    trainer: Trainer,
    data: TextDataModule,
    recorder: RunRecorder,
    shown: int = 5,
) -> None:
    """Sum a run up, in files beside its checkpoint and in tables on the terminal.

    Writes ``summary.json``, ``predictions.tsv``, pictures and ``report.html`` into the logger's
    folder. The weights that are reported on are those of the checkpoint.

    Args:
        trainer: That has run.
        data: What it was trained on.
        recorder: What was noted meanwhile.
        shown: Predictions a split to show on the terminal.
    """
    log_dir = trainer.log_dir  # Asks all processes, as does saving a checkpoint.
    if log_dir is None:
        return
    folder = Path(log_dir)
    trained = "train/loss" in recorder.curves
    checkpoint = _find_checkpoint(trainer, folder) if trained else folder
    if not trainer.is_global_zero:
        return
    if not trained:
        print("no epoch was trained: nothing to report")
        return
    module = load_module(checkpoint)
    examples = {split: dataset.examples for split, dataset in data.datasets.items()}
    predictions, scores = {}, {}
    for split, dataset in data.datasets.items():
        predictions[split], scores[split] = predict_examples(module, dataset)
    summary = {
        "checkpoint": os.path.relpath(checkpoint, folder),
        **summarize_training(module, data, recorder),
        "splits": {split: score._asdict() for split, score in scores.items()},
    }
    with atomic_write(folder / "summary.json") as file:
        json.dump(summary, file, indent=2, allow_nan=False)
    write_predictions(folder / "predictions.tsv", examples, predictions)
    report = _gather(folder, module, examples, recorder, summary, predictions, scores)
    drawn = write_pictures(folder, report.curves, report.merges, summary["threshold_last"])
    write_report(folder / "report.html", report)
    print_predictions(data, predictions, shown)
    print_summary(folder, scores, summary)
    if not drawn:
        print("no pictures: matplotlib is not installed (pip install 'pyg-grapheme[viz]')")


def _find_checkpoint(trainer: Trainer, folder: Path) -> Path:
    checkpoint = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not checkpoint:
        # Shorter than one round of validation, or without a checkpoint callback.
        checkpoint = str(folder / "checkpoints" / "model.ckpt")
        trainer.save_checkpoint(checkpoint)
    return Path(checkpoint)


def _gather(
    folder: Path,
    module: TransformModule,
    examples: Mapping[str, list[Example]],
    recorder: RunRecorder,
    summary: dict[str, Any],
    predictions: Mapping[str, list[str]],
    scores: Mapping[str, Scores],
) -> ReportData:
    config = folder / "config.yaml"
    return ReportData(
        title=f"{folder.parent.name}, {folder.name}",
        facts={
            "checkpoint": summary["checkpoint"],
            "date": datetime.now().astimezone().isoformat(" ", "seconds"),
            "training": f"{summary['epochs']} epochs in {summary['seconds']:.1f} s",
            "versions": f"pyg-grapheme {__version__}, torch {torch.__version__}, "
            f"Python {sys.version.split()[0]}",
        },
        splits={
            split: SplitResult(
                score._asdict(), _list_lines(examples[split], predictions[split], module)
            )
            for split, score in scores.items()
        },
        curves=recorder.curves,
        merges=describe_merges(module, examples["train"]),
        threshold=summary["threshold_last"],
        gap=" " if module.net.target_units == "spaced" else "",
        config=config.read_text(encoding="utf-8") if config.is_file() else "",
    )


def _list_lines(
    examples: list[Example], predictions: list[str], module: TransformModule
) -> list[Line]:
    net = module.net

    def split(text: str, units: UnitsName) -> tuple[str, ...]:
        return tuple(split_units(text, units, net.form))

    return [
        Line(
            split(example.source, net.source_units),
            split(prediction, net.target_units),
            split(example.target, net.target_units),
            example.tags,
        )
        for example, prediction in zip(examples, predictions, strict=True)
    ]
