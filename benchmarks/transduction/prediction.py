"""How long the models of the largest training sets take to predict."""

from pathlib import Path
from statistics import median

import torch

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import read_splits
from benchmarks.transduction.ours import load_done, time_prediction
from benchmarks.transduction.records import Record
from benchmarks.transduction.versions import list_versions

REPEATS = 7
"""Passes through the test set: the median counts."""


def run_prediction(cell: Cell, data: Path, work: Path) -> Record:
    """Time a cell that has been run on the test set.

    Raises:
        FileNotFoundError: if its run is not in ``work`` any more.
    """
    module = load_done(Cell("inflection", *cell[1:]), work)
    pairs = read_splits(data, "inflection", cell.language, cell.size).test["test"]
    asked = [("".join(pair.source), pair.tags) for pair in pairs]
    rates = [time_prediction(module, asked) for _ in range(REPEATS)]
    return Record(
        cell.name,
        {},
        0.0,
        None,
        0.0,
        median(rates),
        torch.get_num_threads(),
        list_versions(),
        {"rates": rates},
    )
