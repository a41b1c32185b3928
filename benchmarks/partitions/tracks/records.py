"""The records of cells: one JSON line each."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cell_records import read_lines, update_lines
from benchmarks.partitions.tracks.cells import Cell
from benchmarks.partitions.tracks.evaluation import Evaluation
from benchmarks.partitions.tracks.scoring import Score


class Record(NamedTuple):
    """The result of a cell.

    Attributes:
        cell: Name of the cell.
        commit: The commit that it was run with.
        time: When it ended, in UTC.
        seconds: Process time of the second phase of training.
        warm_seconds: Process time of the first phase.
        options: The options of training.
        scores: Scores by clustering, and by what chose the cuts.
    """

    cell: str
    commit: str
    time: str
    seconds: float
    warm_seconds: float
    options: dict[str, Any]
    scores: dict[str, dict[str, Evaluation]]


def write_record(path: Path, record: Record) -> None:
    """Write the record of a cell in place of an earlier one."""
    scores = {
        clustering: {
            chosen: {
                "cuts": evaluation.cuts,
                "tune": evaluation.tune._asdict(),
                "test": evaluation.test._asdict(),
            }
            for chosen, evaluation in evaluations.items()
        }
        for clustering, evaluations in record.scores.items()
    }
    update_lines(path, {record.cell: record._asdict() | {"scores": scores}})


def read_records(path: Path, cells: Iterable[Cell]) -> dict[Cell, Record]:
    """Read the records of those cells that have been run."""
    lines = read_lines(path)
    return {cell: _parse(lines[cell.name]) for cell in cells if cell.name in lines}


def _parse(fields: dict[str, Any]) -> Record:
    scores = {
        clustering: {
            chosen: Evaluation(tuple(each["cuts"]), Score(**each["tune"]), Score(**each["test"]))
            for chosen, each in evaluations.items()
        }
        for clustering, evaluations in fields["scores"].items()
    }
    return Record(**fields | {"scores": scores})
