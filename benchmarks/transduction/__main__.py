"""Text transduction on real data: run all cells of all tables.

    python -m benchmarks.transduction list
    python -m benchmarks.transduction run --hours 12
    python -m benchmarks.transduction run --jobs 2 --threads 1
    python -m benchmarks.transduction run --only "inflection/*/medium" "*/look_up"
    python -m benchmarks.transduction table
    python -m benchmarks.transduction profile

A cell is one number, or a few, of a table: ``table/language/size/row/seed``. ``run`` starts the
cells that have no record in the output folder, each in a process of its own; it can be stopped and
started again at any time. ``list`` shows which cells have a record, and from which commit. The
models are small: two cells at a time with one thread each finish sooner than one after the other
with two threads. ``speed`` and ``prediction`` measure time, so nothing else should run on the
machine; ``stems``, ``prediction`` and ensembles fail until the models that they need are trained.
Weights and epochs are chosen on dev sets only.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

from benchmarks.cell_records import choose
from benchmarks.checkout import RESULTS, begin_result, end_result
from benchmarks.data_folder import DATA, data_folder
from benchmarks.transduction.baselines import run_baseline
from benchmarks.transduction.cells import BASELINES, Cell, find_cell, list_cells
from benchmarks.transduction.records import drop_record, read_records, write_record
from benchmarks.transduction.report import report
from benchmarks.transduction.running import run_missing

PROFILED = Cell("speed", "english", "high", "ours")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transduction", description="Text transduction on real data."
    )
    parser.add_argument("action", choices=["list", "run", "table", "profile", "cell"],
                        help="list the cells, run those without a record, write the tables, "
                             "profile some steps, or run one cell in this process")  # fmt: skip
    add = parser.add_argument
    add("name", nargs="?", help='name of the cell to run, with "cell"')
    add("--only", nargs="+", default=[], metavar="PATTERN", help="names of cells; * is anything")
    add("--hours", type=float, default=12.0, help="time after which no cell is started")
    add("--output", type=Path, default=RESULTS / "transduction", help="folder of the records")
    add("--report", type=Path, default=RESULTS / "transduction.md", help="file of the tables")
    add("--work", type=Path, default=Path("runs/transduction"), help="folder of runs and logs")
    add("--data", type=data_folder, default=DATA, help="folder of the data sets")
    add("--threads", type=int, default=2, help="threads per cell")
    add("--jobs", type=int, default=1, help="cells that run at the same time")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"Expected '--jobs' to be at least 1 (got {options.jobs})")
    if (options.action == "cell") != (options.name is not None):
        got = f"{options.action} and {'no name' if options.name is None else options.name}"
        parser.error(f"Expected a name with 'cell', and with nothing else (got {got})")
    return options


def run_cell(cell: Cell, options: argparse.Namespace) -> None:
    """Run one cell in this process and write its record."""
    begin_result(options.output)
    torch.set_num_threads(options.threads)
    if cell.row in BASELINES:
        write_record(options.output, cell, run_baseline(cell, options.data))
        return
    # Lightning is slow to import, and a look-up does not need it.
    from benchmarks.transduction.ensemble import run_ensemble
    from benchmarks.transduction.ours import keep_run, run_ours
    from benchmarks.transduction.prediction import run_prediction
    from benchmarks.transduction.stems import run_stems

    evaluations = {"stems": run_stems, "prediction": run_prediction}
    run = run_ensemble if cell.row == "ensemble" else evaluations.get(cell.table, run_ours)
    write_record(options.output, cell, run(cell, options.data, options.work))
    if run is not run_ours:
        return
    keep_run(cell, options.work)
    # These records describe the previous run.
    if cell.table == "inflection":
        for table in evaluations:
            drop_record(options.output, Cell(table, *cell[1:]))
    if cell.row == "ours":
        drop_record(options.output, cell._replace(row="ensemble", seed=0))


def write_profile(options: argparse.Namespace) -> None:
    """Profile some steps of the text model in this process and write the largest entries."""
    output = options.report.with_name("transduction_profile.md")
    stamp = begin_result(output)
    torch.set_num_threads(options.threads)
    from benchmarks.transduction.step_profile import profile_steps

    end_result(output, stamp, profile_steps(PROFILED, options.data, options.work))


def run_cells(cells: list[Cell], options: argparse.Namespace) -> None:
    """Run the cells without a record, each in a process of its own."""
    begin_result(options.output)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    names = ("output", "work", "data", "threads")
    passed = [f"--{name}={getattr(options, name)}" for name in names]
    command = [sys.executable, "-m", "benchmarks.transduction", "cell"]
    failed = run_missing(
        cells,
        options.output,
        lambda cell: [*command, cell.name, *passed],
        options.work,
        options.hours,
        options.jobs,
    )
    if failed:
        raise SystemExit(f"error: {len(failed)} cells left no record")


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line asks for."""
    options = parse_options(arguments)
    try:
        cells = choose(list_cells(), options.only, "--only")
        cell = find_cell(options.name) if options.action == "cell" else None
        records = read_records(options.output, list_cells())
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    if cell is not None:
        run_cell(cell, options)
    elif options.action == "list":
        for cell in cells:
            print(f"{records[cell].commit if cell in records else 'not run':<20} {cell.name}")
    elif options.action == "profile":
        write_profile(options)
    elif options.action == "run":
        run_cells(cells, options)
    else:
        stamp = begin_result(options.report)
        end_result(options.report, *report(records, stamp))


if __name__ == "__main__":
    main()
