"""Time the prediction of the models of the largest training sets."""

from pathlib import Path
from statistics import median

import torch

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import inflection_files
from benchmarks.transduction.ours import load_done, time_prediction
from benchmarks.transduction.records import Record
from benchmarks.transduction.versions import list_versions
from pyg_grapheme.text import read_examples

REPEATS = 7
"""Passes through the test set; the record holds their median."""


def run_prediction(cell: Cell, data: Path, work: Path) -> Record:
    """Time the model of a trained cell on the test set.

    Raises:
        FileNotFoundError: if its run is not in ``work``.
    """
    module = load_done(Cell("inflection", *cell[1:]), work)
    examples = read_examples(inflection_files(data, cell.language, cell.size).test)
    inputs = [(example.source, example.tags) for example in examples]
    rates = [time_prediction(module, inputs) for _ in range(REPEATS)]
    return Record(
        cell.name,
        scores={},
        seconds=0.0,
        epochs=None,
        examples_per_second=0.0,
        words_per_second=median(rates),
        threads=torch.get_num_threads(),
        versions=list_versions(),
        setting={"rates": rates},
    )
