"""What a cell leaves behind: one JSON file, whole or not at all."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.scoring import Score
from pyg_grapheme.atomic_write import atomic_write


class Stems(NamedTuple):
    """Where a merged graph ends its nodes, and stems end.

    Attributes:
        words: Whose form leaves the lemma somewhere in its midst.
        found: Share of them in which a node ends there.
        chance: The share if as many nodes were cut off anywhere.
    """

    words: int
    found: float
    chance: float


class Record(NamedTuple):
    """What came of a cell.

    Attributes:
        cell: Its name.
        scores: By split: "dev", where there is one, and "test", or one a level.
        seconds: To train.
        epochs: Trained; None where reading the pairs once is all.
        examples_per_second: In training.
        words_per_second: In prediction, of what is scored.
        threads: Of torch.
        versions: Of what it was made with.
        setting: What it was made of: the config and its overrides, or the course of training.
        stems: Of a cell that is about them.
    """

    cell: str
    scores: dict[str, Score]
    seconds: float
    epochs: float | None
    examples_per_second: float
    words_per_second: float
    threads: int
    versions: dict[str, str]
    setting: dict[str, Any]
    stems: Stems | None = None


def record_path(output: Path, cell: Cell) -> Path:
    """Say where the record of a cell is, or will be."""
    return output / f"{cell.name}.json"


def write_record(output: Path, cell: Cell, record: Record) -> None:
    """Write the record of a cell."""
    path = record_path(output, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    scores = {split: score._asdict() for split, score in record.scores.items()}
    stems = record.stems and record.stems._asdict()
    fields = record._asdict() | {"scores": scores, "stems": stems}
    with atomic_write(path) as file:
        json.dump(fields, file, indent=2, ensure_ascii=False)
        file.write("\n")


def read_record(output: Path, cell: Cell) -> Record | None:
    """Read the record of a cell, None where it has not been run."""
    path = record_path(output, cell)
    if not path.is_file():
        return None
    fields = json.loads(path.read_text(encoding="utf-8"))
    scores = {split: Score(**score) for split, score in fields.pop("scores").items()}
    stems = fields.pop("stems", None)
    return Record(**fields, scores=scores, stems=stems and Stems(**stems))
