"""Faults, and what comes of them.

    python -m benchmarks.faults list
    python -m benchmarks.faults run
    python -m benchmarks.faults run --only "kills/*"
    python -m benchmarks.faults table

``run`` tries what has no record yet. ``full_disk`` mounts disks in memory, which needs the rights
of an administrator.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.cell_records import choose, read_lines, update_lines
from benchmarks.checkout import RESULTS, begin_result, commit, end_result
from benchmarks.faults.checkpoints import damage_checkpoints
from benchmarks.faults.edits import fuzz_edits
from benchmarks.faults.full_disk import fill_disks
from benchmarks.faults.kills import kill_runs
from benchmarks.faults.large import large_graphs, long_texts
from benchmarks.faults.long_runs import KINDS, train_long
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.pages import inspect_pages
from benchmarks.faults.processes import train_in_processes
from benchmarks.faults.readers import fuzz_readers
from benchmarks.pools.tables import format_table

RECORDS = RESULTS / "faults.jsonl"


class Check(NamedTuple):
    """Faults of one kind.

    Attributes:
        name: Name of the record.
        says: What is tried, for the table.
        run: Tries them in a folder.
    """

    name: str
    says: str
    run: Callable[[Path], Outcome]


CHECKS = [
    Check(
        "readers",
        "files of all formats with one to three damages each: read whole, or refused",
        partial(fuzz_readers, 100_000, 0),
    ),
    Check(
        "edits",
        "pairs of random texts: edits lead from one to the other",
        lambda folder: fuzz_edits(200_000, 0),
    ),
    *(
        Check(
            f"kills/{task}",
            f"{task} model: runs killed (SIGKILL, SIGTERM, SIGINT), half of them while they write "
            "a checkpoint, and resumed",
            partial(kill_runs, task, 50, 0),
        )
        for task in ("text", "partition")
    ),
    *(
        Check(
            f"full_disk/{task}",
            f"{task} model: runs whose disk becomes full, resumed with more room",
            partial(fill_disks, task, 20),
        )
        for task in ("text", "partition")
    ),
    *(
        Check(
            f"processes/{task}",
            f"{task} model: training in two processes and in four, compared with one",
            partial(train_in_processes, task),
        )
        for task in ("text", "partition")
    ),
    *(
        Check(
            f"long_runs/{kind}",
            f"10,000 training steps of a {kind}: memory",
            partial(train_long, kind),
        )
        for kind in KINDS
    ),
    Check(
        "large/graphs",
        "a graph of 1,000,000 nodes: forward, cut, clusters, scores, cuts",
        large_graphs,
    ),
    Check("large/texts", "a text of 20,000 characters: predict in four ways", long_texts),
    *(
        Check(
            f"checkpoints/{task}",
            f"{task} model: damaged and foreign checkpoints given to predict, evaluate and fit",
            partial(damage_checkpoints, task, 0),
        )
        for task in ("text", "partition")
    ),
    Check(
        "pages",
        "reports and documentation in a browser of 390 and 1280 pixels, light and dark: width, "
        "console, pictures, composed words, colours",
        inspect_pages,
    ),
]


def run(checks: list[Check], records: Path) -> int:
    """Try what has no record yet; return the number of failures."""
    failures = 0
    for check in checks:
        if check.name in read_lines(records):
            continue
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outcome = check.run(Path(folder))
        fields = {
            "cell": check.name,
            **outcome._asdict(),
            "seconds": round(time.monotonic() - begin, 1),
            "commit": commit(),
            "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        }
        update_lines(records, {check.name: fields})
        print(f"{check.name}: {outcome[:3]}", *outcome.failures, sep="\n  ", flush=True)
        failures += len(outcome.failures)
    return failures


def table(checks: list[Check], records: Path) -> str:
    """Lay out what came of all faults."""
    lines = read_lines(records)
    header = ["", "tried", "survived", "refused", "failed", "seconds", "commit"]
    rows = []
    for check in checks:
        fields = lines.get(check.name)
        if fields is None:
            rows.append([check.says, *["not run"] * 6])
            continue
        failed = fields["tried"] - fields["survived"] - fields["refused"]
        counts = (fields["tried"], fields["survived"], fields["refused"], failed)
        rows.append([check.says, *map(str, counts), f"{fields['seconds']:.0f}", fields["commit"]])
    return format_table("Faults, and what came of them", header, rows)


def main() -> None:
    """List, run or show the checks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description="Faults, and what comes of them."
    )
    add = parser.add_argument
    add("action", choices=["list", "run", "table"])
    add("--only", nargs="+", default=[], metavar="PATTERN", help="names of checks; * is anything")
    add("--records", type=Path, default=RECORDS, help="file of the records")
    add("--report", type=Path, default=RECORDS.with_suffix(".md"), help="file of the table")
    options = parser.parse_args()
    try:
        checks = choose(CHECKS, options.only, "--only")
    except ValueError as error:
        parser.error(str(error))
    if options.action == "list":
        done = read_lines(options.records)
        print(*(f"{c.name}: {'done' if c.name in done else 'not run'}" for c in checks), sep="\n")
    elif options.action == "run":
        begin_result(options.records)
        sys.exit(min(1, run(checks, options.records)))
    else:
        stamp = begin_result(options.report)
        end_result(options.report, table(CHECKS, options.records), f"Table: {stamp}")


if __name__ == "__main__":
    main()
