"""Run the cells that have no record, table by table."""

import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cell_records import read_lines, update_lines
from benchmarks.checkout import commit
from benchmarks.records.cells import Cell
from benchmarks.records.evaluation import Evaluation, Evaluations, evaluate, evaluate_equal
from benchmarks.records.training import begin_process, prepare, split_by, train


class Record(NamedTuple):
    """The result of a cell.

    Attributes:
        cell: Name of the cell.
        commit: The commit that it was run with.
        time: When it ended, in UTC.
        seconds: Process time of the training.
        graph_seconds: Process time to make the graphs of the table.
        megabytes: The largest memory until the graphs were made.
        scores: Evaluations by name.
    """

    cell: str
    commit: str
    time: str
    seconds: float
    graph_seconds: float
    megabytes: float
    scores: Evaluations


def write_record(path: Path, record: Record) -> None:
    """Write the record of a cell in place of an earlier one."""
    scores = {name: each._asdict() for name, each in record.scores.items()}
    update_lines(path, {record.cell: record._asdict() | {"scores": scores}})


def read_records(path: Path, cells: Iterable[Cell]) -> dict[Cell, Record]:
    """Read the records of those cells that have been run."""
    lines = read_lines(path)
    return {cell: _parse(lines[cell.name]) for cell in cells if cell.name in lines}


def _parse(fields: dict[str, Any]) -> Record:
    scores = {name: Evaluation(**each) for name, each in fields["scores"].items()}
    return Record(**fields | {"scores": scores})


def run_missing(
    cells: Iterable[Cell], records: Path, data: Path, work: Path, hours: float, jobs: int
) -> None:
    """Run the cells without a record; those of a table run one after the other.

    Args:
        cells: Cells in the order in which they are started.
        records: File of the records.
        data: Folder of the public data.
        work: Folder of tables that are written from them.
        hours: Time after which no cell is started.
        jobs: Number of processes, one thread each.
    """
    known = read_records(records, cells := list(cells))
    missing = [cell for cell in cells if cell not in known]
    groups = [list(group) for _, group in groupby(missing, key=attrgetter("table"))]
    end = time.time() + 3600 * hours
    run = partial(run_table, records=records, data=data, work=work, end=end)
    if jobs == 1:
        list(map(run, groups))
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as processes:
        list(processes.map(run, groups))


def run_table(cells: Sequence[Cell], records: Path, data: Path, work: Path, end: float) -> None:
    """Run some cells of one table until the time is over, and write their records."""
    if time.time() >= end:
        return
    begin_process()
    prepared = prepare(cells[0].table, data, work)
    for cell in cells:
        if time.time() >= end:
            return
        stamp = commit()
        split = split_by(prepared.data, cell.split)
        if cell.objective == "equal":
            seconds, scores = 0.0, evaluate_equal(cell.table, split)
        else:
            module, seconds = train(cell, split)
            scores = evaluate(cell, module, split)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(cell.name, stamp, now, seconds, *prepared[1:], scores)
        write_record(records, record)
        print(f"{cell.name}: {seconds:.0f} s", file=sys.stderr, flush=True)
