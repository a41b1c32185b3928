"""Run the cells that have no record."""

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import torch

from benchmarks.checkout import commit
from benchmarks.rewiring.cells import Cell
from benchmarks.rewiring.data import read_graph
from benchmarks.rewiring.methods import TrainingOptions, run_method
from benchmarks.rewiring.records import Record, read_records, write_record


def run_missing(
    cells: Iterable[Cell], records: Path, data: Path, options: TrainingOptions, hours: float
) -> None:
    """Run the cells without a record, in their order, on one thread.

    Args:
        cells: Cells in the order in which they are run.
        records: File of the records.
        data: File of the graphs.
        options: The options of training.
        hours: Time after which no cell is started.
    """
    end = time.time() + 3600 * hours
    known = read_records(records, cells := list(cells))
    torch.set_num_threads(1)
    read = cache(read_graph)
    for cell in cells:
        if cell in known:
            continue
        if time.time() >= end:
            return
        stamp, start = commit(), time.process_time()
        result = run_method(cell.method, read(data, cell.rate), cell.seed, options)
        seconds = time.process_time() - start
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_record(
            records,
            Record(cell.name, stamp, now, seconds, **result._asdict(), options=options._asdict()),
        )
        print(f"{cell.name}: {result.test:.3f}, {seconds:.0f} s", file=sys.stderr, flush=True)
