"""Whether what is merged are stems: boundaries of nodes against where a form leaves its lemma."""

from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from rapidfuzz.distance import Prefix

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import Pair, read_splits
from benchmarks.transduction.ours import batches, load_done
from benchmarks.transduction.records import Record, Stems
from benchmarks.transduction.versions import list_versions
from lightning_modules import TransformModule
from pyg_grapheme.text import units_graphs


class Segmented(NamedTuple):
    """A lemma, its form, and the node of the merged graph that each unit of the lemma is in."""

    source: Sequence[str]
    target: Sequence[str]
    cluster: Sequence[int]


def run_stems(cell: Cell, data: Path, work: Path) -> Record:
    """Look at what a cell that has been run merges on the test set.

    Raises:
        FileNotFoundError: if its run is not in ``work`` any more.
    """
    module = load_done(Cell("inflection", *cell[1:]), work)
    pairs = read_splits(data, "inflection", cell.language, cell.size).test["test"]
    stems = compare_boundaries(segment(module, pairs))
    return Record(
        cell.name, {}, 0.0, None, 0.0, 0.0, torch.get_num_threads(), list_versions(), {}, stems
    )


def segment(module: TransformModule, pairs: Sequence[Pair]) -> Iterable[Segmented]:
    """Merge the lemmas."""
    for batch in batches(pairs):
        graphs = units_graphs([p.source for p in batch], [p.tags for p in batch])
        with torch.no_grad():
            clusters = iter(module.net.predict(graphs).history.cluster.tolist())
        for pair in batch:
            yield Segmented(pair.source, pair.target, list(islice(clusters, len(pair.source))))


def compare_boundaries(words: Iterable[Segmented]) -> Stems:
    """Count the words of which two nodes meet where the form leaves the lemma.

    Words whose form has the whole lemma at its start, or nothing of it, have no such place.
    """
    count, found, chance = 0, 0, 0.0
    for source, target, cluster in words:
        stem = Prefix.similarity(source, target)
        if not 0 < stem < len(source):
            continue
        apart = [a != b for a, b in pairwise(cluster)]
        count += 1
        found += apart[stem - 1]
        chance += sum(apart) / len(apart)
    return Stems(count, found / max(1, count), chance / max(1, count))
