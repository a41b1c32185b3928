"""The command line of the benchmark; the package describes it."""

import argparse

from benchmarks.cell_records import add_cell_options, choose_or_exit
from benchmarks.checkout import RESULTS, begin_result, end_result
from benchmarks.data_folder import DATA, data_folder
from benchmarks.rewiring.cells import list_cells
from benchmarks.rewiring.methods import TrainingOptions
from benchmarks.rewiring.records import read_records
from benchmarks.rewiring.report import report
from benchmarks.rewiring.running import run_missing

FOLDER = str(DATA / "attacked_graphs")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rewiring", description="Classify nodes of attacked graphs."
    )
    add_cell_options(parser, RESULTS / "rewiring.md")
    add = parser.add_argument
    add("--data", type=data_folder, default=FOLDER, help="folder of cora.npz")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, training: TrainingOptions | None = None) -> None:
    """Run the cells that the command line asks for, and write the tables of all records."""
    options = parse_options(arguments)
    records = options.output.with_suffix(".jsonl")
    cells = choose_or_exit(list_cells(), options)
    stamp = begin_result(options.output)
    path = options.data / "cora.npz"
    run_missing(cells, records, path, training or TrainingOptions(), options.hours)
    end_result(options.output, *report(read_records(records, list_cells()), stamp))


if __name__ == "__main__":
    main()
