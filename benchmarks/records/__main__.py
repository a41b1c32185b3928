"""The command line of the benchmark; the package describes it."""

import argparse
from pathlib import Path

from benchmarks.cell_records import add_cell_options, choose_or_exit
from benchmarks.checkout import RESULTS, begin_result, end_result
from benchmarks.data_folder import DATA, data_folder
from benchmarks.records.cells import list_cells
from benchmarks.records.report import report
from benchmarks.records.running import read_records, run_missing


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.records", description="Deduplicate tables."
    )
    add_cell_options(parser, RESULTS / "records.md")
    add = parser.add_argument
    add("--data", type=data_folder, default=str(DATA), help="folder of the data sets")
    add("--work", type=Path, default=Path("runs/tables"), help="folder of prepared tables")
    add("--jobs", type=int, default=1, help="processes, one thread each")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run the cells that the command line asks for, and write the tables of all records."""
    options = parse_options(arguments)
    records = options.output.with_suffix(".jsonl")
    cells = choose_or_exit(list_cells(), options)
    stamp = begin_result(options.output)
    run_missing(cells, records, options.data, options.work, options.hours, options.jobs)
    end_result(options.output, *report(read_records(records, list_cells()), stamp))


if __name__ == "__main__":
    main()
