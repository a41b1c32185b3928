"""The report of a run of the text model."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lightning_modules.datamodules.text_data_module import TextDataModule
from lightning_modules.modules.expected_loss import mean_expected_loss
from lightning_modules.modules.text_scores import predict_examples
from lightning_modules.report.data import Line, ReportData, SplitResult
from lightning_modules.report.figures import write_pictures
from lightning_modules.report.merges import describe_merges
from lightning_modules.report.page import write_report
from lightning_modules.report.predictions import write_predictions
from lightning_modules.report.terminal import print_predictions, print_summary
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme import __version__
from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.text import Example, split_units
from pyg_grapheme.text.typing import UnitsName

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


def report_text(
    module: "TransformModule",
    folder: Path,
    checkpoint: str,
    data: TextDataModule,
    recorder: RunRecorder,
    shown: int = 5,
) -> None:
    """Write ``summary.json``, ``predictions.tsv``, pictures and ``report.html``; print tables.

    Args:
        module: The model, with the weights that were kept.
        folder: Folder of the run.
        checkpoint: Path of these weights, relative to it.
        data: What the run was trained on.
        recorder: Curves and times of the run.
        shown: Predictions per split to print.
    """
    examples = {split: dataset.examples for split, dataset in data.datasets.items()}
    predictions, scores = {}, {}
    for split, dataset in data.datasets.items():
        predictions[split], found = predict_examples(module, dataset)
        scores[split] = found._asdict()
    batches = list(data.loader("train"))
    summary = {"checkpoint": checkpoint, **module.summarize(recorder)}
    for end in ("first", "last"):
        loss = mean_expected_loss(module, batches, summary[f"raw_threshold_{end}"])
        summary[f"expected_loss_at_{end}_threshold"] = loss
    summary["splits"] = scores
    with atomic_write(folder / "summary.json") as file:
        json.dump(summary, file, indent=2, allow_nan=False)
    write_predictions(folder / "predictions.tsv", examples, predictions)
    report = _gather(folder, module, examples, recorder, summary, predictions)
    drawn = write_pictures(folder, report.curves, report.merges, summary["threshold_last"])
    write_report(folder / "report.html", report)
    print_predictions(data, predictions, shown)
    print_summary(folder, scores, summary)
    if not drawn:
        print("no pictures: matplotlib is not installed (pip install 'pyg-grapheme[viz]')")


def _gather(
    folder: Path,
    module: "TransformModule",
    examples: Mapping[str, list[Example]],
    recorder: RunRecorder,
    summary: dict[str, Any],
    predictions: Mapping[str, list[str]],
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
            split: SplitResult(score, _list_lines(examples[split], predictions[split], module))
            for split, score in summary["splits"].items()
        },
        curves=recorder.curves,
        merges=describe_merges(module, examples["train"]),
        threshold=summary["threshold_last"],
        gap=" " if module.net.target_units == "spaced" else "",
        config=config.read_text(encoding="utf-8") if config.is_file() else "",
    )


def _list_lines(
    examples: list[Example], predictions: list[str], module: "TransformModule"
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
