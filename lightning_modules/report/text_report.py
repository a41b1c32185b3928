"""The report of a run of the text model."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_modules.datamodules.text_data_module import TextDataModule
from lightning_modules.modules.text.expected_loss import mean_expected_loss
from lightning_modules.modules.text.scores import predict_examples
from lightning_modules.modules.text.unit_error_rate import error_units
from lightning_modules.report.figures import has_matplotlib, write_picture
from lightning_modules.report.merges import describe_merges
from lightning_modules.report.predictions import write_predictions
from lightning_modules.report.run_report import (
    print_missing_pictures,
    write_run_report,
    write_summary,
)
from lightning_modules.report.terminal import (
    print_predict_command,
    print_predictions,
    print_summary,
)
from lightning_modules.report.text_results import Line, TextResults
from lightning_modules.report.text_sections import text_sections
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.text import Example, TextUnits

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


def report_text(
    module: "TransformModule",
    folder: Path,
    checkpoint: str,
    data: TextDataModule,
    recorder: RunRecorder,
    shown: int = 10,
) -> None:
    """Write ``summary.json``, ``predictions.tsv``, pictures and ``report.html``; print tables.

    Args:
        module: The model, with the weights that were kept.
        folder: Folder of the run.
        checkpoint: Path of these weights, relative to it.
        data: What the run was trained on.
        recorder: Curves and times of the run.
        shown: Predictions per unseen split to print.
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
    write_summary(folder, summary)
    write_predictions(folder / "predictions.tsv", examples, predictions)
    lines = {
        split: list_lines(listed, predictions[split], module.net.source, module.net.target)
        for split, listed in examples.items()
    }
    results = TextResults(
        lines,
        describe_merges(module, examples["train"]),
        summary["threshold_last"] if module.net.use_pool else None,
        " " if module.net.target.kind == "whitespace" else "",
    )
    if has_matplotlib():
        from pyg_grapheme.viz import draw_merges

        figure = draw_merges(results.merges, results.threshold)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # No font has it, so it is drawn as a box.
            write_picture(figure, folder / "merges.png", dpi=150)
    sections = text_sections(results)
    units = f"{module.net.source} → {module.net.target}"
    write_run_report(
        folder, summary, scores, recorder.curves, sections, data.note, {"units": units}
    )
    print_predictions(data, predictions, shown)
    if data.note:
        print(f"{data.note}\n")
    print_summary(folder, scores, summary, units)
    print_missing_pictures()
    print_predict_command(folder / checkpoint, examples)


def list_lines(
    examples: Sequence[Example],
    predictions: Sequence[str],
    source_units: TextUnits,
    target_units: TextUnits,
) -> list[Line]:
    """Split examples and their predictions into the units whose errors are counted."""
    source, target = error_units(source_units), error_units(target_units)
    return [
        Line(
            tuple(source.split(example.source)),
            tuple(target.split(prediction)),
            tuple(target.split(example.target)),
            example.tags,
        )
        for example, prediction in zip(examples, predictions, strict=True)
    ]
