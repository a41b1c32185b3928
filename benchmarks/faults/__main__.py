"""Faults, and their results.

    python -m benchmarks.faults list
    python -m benchmarks.faults run
    python -m benchmarks.faults run --only "kills/*"
    python -m benchmarks.faults run --only readers --case 0/1234
    python -m benchmarks.faults table

``run`` tries what has no record yet, or one with failures. With ``--case`` it repeats one case, and
writes no record. ``full_disk`` mounts disks in memory, which needs the rights of an administrator.
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

from benchmarks.cell_records import Fields, choose, read_lines, update_lines
from benchmarks.checkout import RESULTS, begin_result, commit, end_result
from benchmarks.faults.fuzzing.edits import fuzz_edits, fuzz_pair
from benchmarks.faults.fuzzing.readers import fuzz_case, fuzz_readers
from benchmarks.faults.large import large_graphs
from benchmarks.faults.long_texts import long_texts
from benchmarks.faults.outcome import Outcome, name_error
from benchmarks.faults.pages import inspect_pages
from benchmarks.faults.training.checkpoints import damage_checkpoints
from benchmarks.faults.training.full_disk import fill_disks
from benchmarks.faults.training.kills import KILLS, kill_runs
from benchmarks.faults.training.long_runs import FIT, KINDS, train_long
from benchmarks.faults.training.processes import MODELS, predict_in_processes, train_in_processes
from benchmarks.faults.training.runs import TASKS
from benchmarks.pools.tables import format_table

RECORDS = RESULTS / "faults.jsonl"


class Check(NamedTuple):
    """Faults of one kind.

    Attributes:
        name: Name of the record.
        says: What is tried, for the table.
        run: Tries them in a folder.
        repeat: Tries one case again in a folder, where cases have names.
    """

    name: str
    says: str
    run: Callable[[Path], Outcome]
    repeat: Callable[[str, Path], Outcome] | None = None


CHECKS = [
    Check(
        "readers",
        "files of all formats with some damages each: read whole, or refused",
        partial(fuzz_readers, 101_000, 0),  # Some of them are no file, or a folder.
        fuzz_case,
    ),
    Check(
        "edits",
        "pairs of random texts: edits lead from one to the other",
        lambda folder: fuzz_edits(200_000, 0),
        lambda case, folder: fuzz_pair(case),
    ),
    *(
        Check(
            f"kills/{task}",
            f"{task} model: runs killed (SIGKILL, SIGTERM, SIGINT), half of them while they write "
            "a checkpoint, and resumed",
            partial(kill_runs, task, KILLS, 0),
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
            f"processes/{model.replace(' ', '_')}",
            f"{model} model: training in two processes and in four, compared with one",
            partial(train_in_processes, model),
        )
        for model in MODELS
    ),
    Check(
        "processes/predict",
        "records: predict with one, two and four processes, each record once and in order",
        predict_in_processes,
    ),
    *(
        Check(
            f"long_runs/{kind.replace(' ', '_')}",
            f"10,000 training steps, {kind}: memory",
            partial(train_long, kind),
        )
        for kind in (*KINDS, FIT)
    ),
    Check(
        "large/graphs",
        "a graph of 1,000,000 nodes: forward, cut, clusters, scores, cuts",
        large_graphs,
    ),
    Check("large/texts", "texts of up to 20,001 characters: predict in five ways", long_texts),
    *(
        Check(
            f"checkpoints/{task}",
            f"{task} model: damaged and foreign checkpoints given to predict, evaluate and fit",
            partial(damage_checkpoints, task, 0),
        )
        for task in TASKS
    ),
    Check(
        "pages",
        "reports and documentation in a browser of 390 and 1280 pixels, light and dark: width, "
        "console, pictures, composed words, colours",
        inspect_pages,
    ),
]


def run(checks: list[Check], records: Path) -> int:
    """Try what has no record yet, or one with failures; return the number of failures."""
    failures = 0
    for check in checks:
        if is_done(read_lines(records).get(check.name)):
            print(f"{check.name}: has a record", flush=True)
            continue
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome = check.run(Path(folder))
            except Exception as error:  # It must not end the other checks.
                outcome = Outcome(1, 0, 0, [name_error(error)])
        fields = {
            "cell": check.name,
            **outcome._asdict(),
            "notes": dict(outcome.notes),
            "seconds": round(time.monotonic() - begin, 1),
            "commit": commit(),
            "time": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        }
        update_lines(records, {check.name: fields})
        print(f"{check.name}: {outcome[:3]}", *outcome.failures, sep="\n  ", flush=True)
        failures += len(outcome.failures)
    return failures


def is_done(fields: Fields | None) -> bool:
    """Return whether there is a record without failures."""
    return fields is not None and not fields["failures"]


def repeat(checks: list[Check], case: str) -> int:
    """Try one case again, and print the result; return the number of failures.

    Raises:
        ValueError: if not exactly one of the checks has cases with names.
    """
    found = [check.repeat for check in checks if check.repeat is not None]
    if len(found) != 1:
        raise ValueError("Expected '--only readers' or '--only edits' with '--case' (got others)")
    with tempfile.TemporaryDirectory() as folder:
        outcome = found[0](case, Path(folder))
    print(f"{case}: {outcome[:3]}", *outcome.failures, sep="\n  ")
    return len(outcome.failures)


def table(checks: list[Check], records: Path) -> str:
    """Lay out the results of all faults."""
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
        notes = "".join(f"; {number} {note}" for note, number in fields["notes"].items())
        seconds = f"{fields['seconds']:.0f}"
        rows.append([f"{check.says}{notes}", *map(str, counts), seconds, fields["commit"]])
    return format_table("Faults, and their results", header, rows)


def main() -> None:
    """List, run or show the checks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description="Faults, and their results."
    )
    add = parser.add_argument
    add("action", choices=["list", "run", "table"])
    add("--only", nargs="+", default=[], metavar="PATTERN", help="names of checks; * is anything")
    add("--case", metavar="SEED/NUMBER", help="repeat one case of readers or edits")
    add("--records", type=Path, default=RECORDS, help="file of the records")
    add("--report", type=Path, default=RECORDS.with_suffix(".md"), help="file of the table")
    options = parser.parse_args()
    try:
        checks = choose(CHECKS, options.only, "--only")
        if options.case is not None:
            sys.exit(min(1, repeat(checks, options.case)))
    except ValueError as error:
        parser.error(str(error))
    if options.action == "list":
        done = read_lines(options.records)
        for check in checks:
            fields = done.get(check.name)
            state = "done" if is_done(fields) else "not run" if fields is None else "failed"
            print(f"{check.name}: {state}")
    elif options.action == "run":
        begin_result(options.records)
        sys.exit(min(1, run(checks, options.records)))
    else:
        stamp = begin_result(options.report)
        end_result(options.report, table(CHECKS, options.records), f"Table: {stamp}")


if __name__ == "__main__":
    main()
