"""The records of cells: one JSON line each."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cell_records import read_lines, update_lines
from benchmarks.rewiring.cells import Cell


class Record(NamedTuple):
    """The result of a cell.

    Attributes:
        cell: Name of the cell.
        commit: The commit that it was run with.
        time: When it ended, in UTC.
        seconds: Process time of all trainings.
        passes: Graphs that went through the network, forward.
        threshold: Threshold of the chosen network; None without one.
        epoch: Epoch of the chosen network.
        val: Its accuracy on the validation nodes.
        test: Its accuracy on the test nodes.
        options: The options of training.
    """

    cell: str
    commit: str
    time: str
    seconds: float
    passes: int
    threshold: float | None
    epoch: int
    val: float
    test: float
    options: dict[str, Any]


def write_record(path: Path, record: Record) -> None:
    """Write the record of a cell in place of an earlier one."""
    update_lines(path, {record.cell: record._asdict()})


def read_records(path: Path, cells: Iterable[Cell]) -> dict[Cell, Record]:
    """Read the records of those cells that have been run."""
    lines = read_lines(path)
    return {cell: Record(**lines[cell.name]) for cell in cells if cell.name in lines}
