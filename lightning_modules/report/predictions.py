"""The table of all predictions of a run."""

import csv
from pathlib import Path

from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.text import Example


def write_predictions(
    path: Path, splits: dict[str, list[Example]], predictions: dict[str, list[str]]
) -> None:
    """Write one line per example: input, prediction, target, tags and split, tab-separated."""
    with atomic_write(path) as file:
        rows = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        rows.writerow(["input", "prediction", "target", "tags", "split"])
        for split, examples in splits.items():
            for example, prediction in zip(examples, predictions[split], strict=True):
                tags = ";".join(example.tags)
                rows.writerow([example.source, prediction, example.target, tags, split])
