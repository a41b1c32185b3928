"""The command line of the benchmark; the package describes it."""

import argparse
from pathlib import Path

from benchmarks.cell_records import add_cell_options, choose_or_exit
from benchmarks.checkout import RESULTS, begin_result, end_result
from benchmarks.partitions.tracks.cells import list_cells
from benchmarks.partitions.tracks.records import read_records
from benchmarks.partitions.tracks.report import report
from benchmarks.partitions.tracks.running import run_missing
from benchmarks.partitions.tracks.step_times import measure_steps
from benchmarks.partitions.tracks.training import TrainingOptions


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.partitions.tracks", description="Find the tracks of particles."
    )
    add_cell_options(parser, RESULTS / "tracks.md")
    add = parser.add_argument
    add("--work", type=Path, default=Path("runs/tracks"), help="folder of first-phase weights")
    add("--jobs", type=int, default=1, help="processes, one thread each")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, training: TrainingOptions | None = None) -> None:
    """Run the cells that the command line asks for, and write the tables of all records."""
    options = parse_options(arguments)
    records = options.output.with_suffix(".jsonl")
    cells = choose_or_exit(list_cells(), options)
    stamp = begin_result(options.output)
    training = training or TrainingOptions()
    run_missing(cells, records, options.work, training, options.hours, options.jobs)
    known = read_records(records, list_cells())
    times = {each: measure_steps(*each, training) for each in sorted({cell[:2] for cell in known})}
    end_result(options.output, *report(known, stamp, times))


if __name__ == "__main__":
    main()
