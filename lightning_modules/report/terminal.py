"""The terminal output of the text model at the end of a run."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_modules.datamodules.text_data_module import TextDataModule
from lightning_modules.modules.task_module import Scores
from lightning_modules.report.data import unseen_first
from lightning_modules.report.scores import print_scores
from pyg_grapheme.text import Example


def print_predictions(data: TextDataModule, predictions: dict[str, list[str]], shown: int) -> None:
    """Print the first predictions of each split but the training split, if there is another."""
    print()
    for split in [name for name in predictions if name != "train"] or ["train"]:
        examples = data.datasets[split].examples[:shown]
        for example, prediction in zip(examples, predictions[split], strict=False):
            tags = f" [{';'.join(example.tags)}]" if example.tags else ""
            right = prediction == data.target.canonical(example.target)
            verdict = "right" if right else f"wrong: expected {example.target}"
            print(f"{split:<8} {example.source}{tags} -> {prediction} ({verdict})")
    print()


def print_summary(
    folder: Path, scores: Mapping[str, Scores], summary: dict[str, Any], units: str
) -> None:
    """Print the scores, and the values at the start and the end of training."""
    print_scores(scores)
    print()
    for name, label in (
        ("cross_entropy", "cross-entropy"),
        ("structural", "structural loss"),
        ("threshold", "threshold"),
    ):
        first, last = (summary[f"{name}_{end}"] for end in ("first", "last"))
        if (first, last) != (0, 0):  # else it is not part of the loss
            print(f"{label:<16} {first:8.3f} -> {last:.3f}")
    print(
        f"{'expected loss':<16} {summary['expected_loss_at_first_threshold']:8.3f} at the initial "
        f"threshold, {summary['expected_loss_at_last_threshold']:.3f} at the learned one, "
        "with the same other weights"
    )
    epochs = summary["epochs"]
    print(f"{'time':<16} {summary['seconds']:8.1f} s for {epochs} epoch{'s' * (epochs != 1)}")
    print(f"{'units':<16} {units}")
    print(f"all in {folder}")


def print_predict_command(checkpoint: Path, examples: Mapping[str, list[Example]]) -> None:
    """Print the command that rewrites a text, with the first example as its text."""
    example = next(iter(unseen_first(examples).values()))[0]
    tags = ["--tags", ";".join(example.tags)] if example.tags else []
    text = ["--"] * example.source.startswith("-") + [example.source]
    command = ["-m", "lightning_modules.predict", "--ckpt_path", _shorten(checkpoint)]
    print("\nTry a text of your own:")
    print(shlex.join([_shorten(Path(sys.executable)), *command, *tags, *text]))


def _shorten(path: Path) -> str:
    """Return a path relative to the working directory if it lies inside."""
    inside = path.absolute().is_relative_to(Path.cwd())
    return str(path.absolute().relative_to(Path.cwd()) if inside else path)
