"""Score an ensemble: the models of several seeds predict together."""

import time
from pathlib import Path

import torch

from benchmarks.transduction.cells import MEMBERS, Cell
from benchmarks.transduction.ours import batches, load_done, name_files
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import score
from benchmarks.transduction.versions import list_versions
from pyg_grapheme.text import read_examples

BEAM = 5
"""Hypotheses of the search of each member."""


def run_ensemble(cell: Cell, data: Path, work: Path) -> Record:
    """Predict by the mean probability of the trained members, on the dev set and the test set.

    Raises:
        FileNotFoundError: if the run of a member is not in ``work``.
    """
    members = MEMBERS[cell.table]
    module, *others = (load_done(cell._replace(row="ours", seed=seed), work) for seed in members)
    module.add_members(others)
    module.beam = BEAM
    files = name_files(cell, data)
    assert files is not None
    scores, spent, words = {}, 0.0, 0
    for split in ("dev", "test"):
        examples = read_examples(getattr(files, split), module.preprocess)
        start = time.perf_counter()
        predictions: list[str] = []
        for batch in batches(examples):
            predictions += module([e.source for e in batch], [e.tags for e in batch])
        spent, words = spent + time.perf_counter() - start, words + len(examples)
        scores[split] = score(predictions, [e.target for e in examples], module.net.target)
    return Record(
        cell.name,
        scores,
        seconds=0.0,
        epochs=None,
        examples_per_second=0.0,
        words_per_second=words / spent,
        threads=torch.get_num_threads(),
        versions=list_versions(),
        setting={"members": list(members), "beam": BEAM},
    )
