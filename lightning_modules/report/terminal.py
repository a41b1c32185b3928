"""The terminal output of the text model at the end of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_modules.datamodules.text_data_module import TextDataModule
from lightning_modules.modules.task_module import Scores
from lightning_modules.report.scores import print_scores
from pyg_grapheme.text import as_written


def print_predictions(data: TextDataModule, predictions: dict[str, list[str]], shown: int) -> None:
    """Print the first predictions of each split, one per line."""
    print()
    for split, dataset in data.datasets.items():
        for example, prediction in zip(dataset.examples[:shown], predictions[split], strict=False):
            tags = f" [{';'.join(example.tags)}]" if example.tags else ""
            right = prediction == as_written(example.target, data.target_units, data.form)
            verdict = "correct" if right else f"expected {example.target}"
            print(f"{split:<8} {example.source}{tags} -> {prediction} ({verdict})")
    print()


def print_summary(folder: Path, scores: Mapping[str, Scores], summary: dict[str, Any]) -> None:
    """Print the scores, and the values at the start and the end of training."""
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
