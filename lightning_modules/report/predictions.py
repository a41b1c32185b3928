"""All predictions of a run, as a table."""

import csv
from pathlib import Path

from pyg_grapheme.data import Example
from pyg_grapheme.data.whole_file import whole_file


def write_predictions(
    path: Path, splits: dict[str, list[Example]], predictions: dict[str, list[str]]
) -> None:
    """Write a line an example: input, prediction, target, tags and split, tab-separated."""
    with whole_file(path) as file:
        rows = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        rows.writerow(["input", "prediction", "target", "tags", "split"])
        for split, examples in splits.items():
            for example, prediction in zip(examples, predictions[split], strict=True):
                tags = ";".join(example.tags)
                rows.writerow([example.source, prediction, example.target, tags, split])
