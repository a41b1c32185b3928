"""The records of cells: a file of JSON lines per table, one line per cell."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cell_records import Fields, read_lines, update_lines
from benchmarks.checkout import DIRTY
from benchmarks.transduction.cells import Cell
from benchmarks.transduction.scoring import Score


class Stems(NamedTuple):
    """Share of words in which a merged node ends where the stem ends.

    Attributes:
        words: Number of words whose form leaves the lemma somewhere inside it.
        found: Share of them in which a node ends there.
        chance: The same share if as many boundaries were placed at random.
    """

    words: int
    found: float
    chance: float


class Record(NamedTuple):
    """The result of a cell.

    Attributes:
        cell: Name of the cell.
        scores: Scores by split: "dev", where there is one, and "test", or one per level.
        seconds: Duration of training.
        epochs: Trained epochs; None where the pairs are read only once.
        examples_per_second: Speed of training.
        words_per_second: Speed of prediction, over the scored splits.
        threads: Threads of torch.
        versions: Versions of the packages, processor, and commit ("checkout").
        setting: The config and its overrides, or the options of training.
        stems: Result of a cell about stems.
        time: When the record was written, in UTC; None in records without that field.
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
    time: str | None = None

    @property
    def commit(self) -> str:
        """The commit that the cell was run with, "unknown" if none was recorded."""
        return self.versions.get("checkout", "unknown")


def runs(records: Mapping[Cell, Record], *start: str) -> list[Record]:
    """Return the records of all seeds of a table, language, size and row."""
    return [record for cell, record in sorted(records.items()) if cell[:4] == start]


def mark_dirty(text: str, records: Iterable[Record]) -> str:
    """Append ‡ if one of the records comes from a checkout with uncommitted changes."""
    return f"{text} ‡" if any(r.commit.endswith(DIRTY) for r in records) else text


def table_path(output: Path, table: str) -> Path:
    """Return the path of the records of a table."""
    return output / f"{table}.jsonl"


def write_record(output: Path, cell: Cell, record: Record) -> None:
    """Write the record of a cell in place of an earlier one, with the time."""
    scores = {split: score._asdict() for split, score in record.scores.items()}
    stems = record.stems and record.stems._asdict()
    time = datetime.now(UTC).isoformat(timespec="seconds")
    fields = record._asdict() | {"scores": scores, "stems": stems, "time": time}
    update_lines(table_path(output, cell.table), {cell.name: fields})


def drop_record(output: Path, cell: Cell) -> None:
    """Remove the record of a cell, if there is one."""
    update_lines(table_path(output, cell.table), {cell.name: None})


def read_record(output: Path, cell: Cell) -> Record | None:
    """Read the record of a cell, None if it has not been run.

    Raises:
        ValueError: if a line of the file is not the record of a cell; it names file and line.
    """
    return _parse(read_lines(table_path(output, cell.table)).get(cell.name))


def read_records(output: Path, cells: Iterable[Cell]) -> dict[Cell, Record]:
    """Read the records of those cells that have been run; see :func:`read_record`."""
    cells = list(cells)
    tables = {cell.table for cell in cells}
    lines = {table: read_lines(table_path(output, table)) for table in tables}
    found = {cell: _parse(lines[cell.table].get(cell.name)) for cell in cells}
    return {cell: record for cell, record in found.items() if record is not None}


def _parse(fields: Fields | None) -> Record | None:
    if fields is None:
        return None
    scores = {split: Score(**score) for split, score in fields["scores"].items()}
    stems = fields.get("stems")
    return Record(**fields | {"scores": scores, "stems": stems and Stems(**stems)})
