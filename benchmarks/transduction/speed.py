"""How long it takes: the table of training and prediction, from each cell's own record."""

from collections.abc import Mapping

from benchmarks.pools.tables import format_table, show
from benchmarks.transduction.cells import Cell, list_cells
from benchmarks.transduction.records import Record

TIMED = ("tagger", "ours")
"""Rows that are trained by steps."""


def speed_table(records: Mapping[Cell, Record]) -> str:
    """One line a training at seed 0."""
    lines = []
    for cell in list_cells():
        if cell.row not in TIMED or cell.seed != 0:
            continue
        record = records.get(cell)
        name = f"{cell.table}, {cell.language}, {cell.size}: {cell.row}"
        lines.append([name, *(_times(record) if record else ["not run"] * 5)])
    head = ["", "epochs", "minutes", "examples/s in training", "words/s in prediction", "threads"]
    return format_table("Speed", head, lines)


def _times(record: Record) -> list[str]:
    return [
        show(record.epochs, ".0f"),
        f"{record.seconds / 60:.1f}",
        show(record.examples_per_second, ".0f"),
        f"{record.words_per_second:.0f}",
        str(record.threads),
    ]
