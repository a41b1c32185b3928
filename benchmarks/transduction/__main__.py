"""Text into text on real data: every table from nothing, cell by cell.

    python -m benchmarks.transduction list
    python -m benchmarks.transduction run --hours 12
    python -m benchmarks.transduction run --jobs 2 --threads 1
    python -m benchmarks.transduction run --only "inflection/*/medium" "*/look_up"
    python -m benchmarks.transduction table
    python -m benchmarks.transduction profile

A cell is one number, or a few, of a table: ``table/language/size/row/seed``. ``run`` does those
that have no record in the output folder yet, each in a process of its own, and may be stopped and
started at any time; ``list`` says which have one, and from which checkout. The models are small:
two cells at a time, a thread each, are through sooner than one after the other on two threads. What
is timed for its own sake, ``speed`` and ``prediction``, wants the machine to itself; ``stems`` and
``prediction`` fail until the model that they look at is trained. Weights and epochs are chosen on
dev sets alone; test sets choose nothing.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

from benchmarks.transduction.baselines import run_baseline
from benchmarks.transduction.cells import BASELINES, Cell, find_cell, list_cells
from benchmarks.transduction.data import FOLDER
from benchmarks.transduction.records import read_record, record_path, write_record
from benchmarks.transduction.report import report
from benchmarks.transduction.running import choose, run_missing

RESULTS = Path("benchmarks/results")
PROFILED = Cell("speed", "english", "high", "ours")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transduction", description="Text into text on real data."
    )
    parser.add_argument("action", choices=["list", "run", "table", "profile", "cell"],
                        help="show the cells, run what is missing, write the tables, profile "
                             "some steps, or run one cell in this process")  # fmt: skip
    add = parser.add_argument
    add("name", nargs="?", help='of the cell to run, with "cell"')
    add("--only", nargs="+", default=[], metavar="PATTERN", help="names of cells; * is anything")
    add("--hours", type=float, default=12.0, help="begin no cell after so many")
    add("--output", type=Path, default=RESULTS / "transduction", help="folder of the records")
    add("--report", type=Path, default=RESULTS / "transduction.md", help="of the tables")
    add("--work", type=Path, default=Path("runs/transduction"), help="folder of runs and logs")
    add("--data", type=Path, default=FOLDER, help="folder of the data sets")
    add("--threads", type=int, default=2, help="of each cell")
    add("--jobs", type=int, default=1, help="cells to run at a time")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"Expected '--jobs' to be at least 1 (got {options.jobs})")
    if (options.action == "cell") != (options.name is not None):
        got = f"{options.action} and {'no name' if options.name is None else options.name}"
        parser.error(f"Expected a name with 'cell', and with nothing else (got {got})")
    return options


def run_cell(cell: Cell, options: argparse.Namespace) -> None:
    """Run one cell in this process and write its record."""
    torch.set_num_threads(options.threads)
    if cell.row in BASELINES:
        write_record(options.output, cell, run_baseline(cell, options.data))
        return
    # Lightning takes its time to import, which a look-up need not wait for.
    from benchmarks.transduction.ours import put_away, run_ours
    from benchmarks.transduction.prediction import run_prediction
    from benchmarks.transduction.stems import run_stems

    looks = {"stems": run_stems, "prediction": run_prediction}
    if cell.table in looks:
        write_record(options.output, cell, looks[cell.table](cell, options.data, options.work))
        return
    write_record(options.output, cell, run_ours(cell, options.data, options.work))
    put_away(cell, options.work)
    if cell.table == "inflection":
        # What was said about the run before is not about this one.
        for table in looks:
            record_path(options.output, Cell(table, *cell[1:])).unlink(missing_ok=True)


def write_profile(options: argparse.Namespace) -> None:
    """Profile some steps of the text model in this process and write the top entries."""
    torch.set_num_threads(options.threads)
    from benchmarks.transduction.step_profile import profile_steps

    text = profile_steps(PROFILED, options.data, options.work)
    options.report.with_name("transduction_profile.md").write_text(text, encoding="utf-8")
    print(text)


def cell_command(cell: Cell, options: argparse.Namespace) -> list[str]:
    """Make the command that runs a cell in a process of its own."""
    passed = [
        f"--{name}={getattr(options, name)}" for name in ("output", "work", "data", "threads")
    ]
    return [sys.executable, "-m", "benchmarks.transduction", "cell", cell.name, *passed]


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line asks for."""
    options = parse_options(arguments)
    try:
        named = find_cell(options.name) if options.action == "cell" else None
        cells = choose(list_cells(), options.only)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    if named is not None:
        run_cell(named, options)
        return
    if options.action == "list":
        for cell in cells:
            record = read_record(options.output, cell)
            made_by = "not run" if record is None else record.versions.get("checkout", "unknown")
            print(f"{made_by:<20} {cell.name}")
    elif options.action == "profile":
        write_profile(options)
    elif options.action == "run":
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
        failed = run_missing(
            cells,
            options.output,
            lambda cell: cell_command(cell, options),
            options.work,
            options.hours,
            options.jobs,
        )
        if failed:
            raise SystemExit(f"error: {len(failed)} cells left no record")
    else:
        records = {cell: read_record(options.output, cell) for cell in list_cells()}
        text = report({cell: record for cell, record in records.items() if record is not None})
        options.report.write_text(text, encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()
