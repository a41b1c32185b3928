"""Compare the boundaries of merged nodes with the places where a form leaves its lemma."""

from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from rapidfuzz.distance import Prefix

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import inflection_files
from benchmarks.transduction.ours import batches, load_done
from benchmarks.transduction.records import Record, Stems
from benchmarks.transduction.versions import list_versions
from lightning_modules import TransformModule
from pyg_grapheme.text import Example, read_examples


class Segmented(NamedTuple):
    """A lemma, its form, and the cluster of each unit of the lemma."""

    source: Sequence[str]
    target: Sequence[str]
    cluster: Sequence[int]


def run_stems(cell: Cell, data: Path, work: Path) -> Record:
    """Evaluate the merges of a trained cell on the test set.

    Raises:
        FileNotFoundError: if its run is not in ``work``.
    """
    module = load_done(Cell("inflection", *cell[1:]), work)
    examples = read_examples(inflection_files(data, cell.language, cell.size).test)
    return Record(
        cell.name,
        scores={},
        seconds=0.0,
        epochs=None,
        examples_per_second=0.0,
        words_per_second=0.0,
        threads=torch.get_num_threads(),
        versions=list_versions(),
        setting={},
        stems=compare_boundaries(segment(module, examples)),
    )


def segment(module: TransformModule, examples: Sequence[Example]) -> Iterable[Segmented]:
    """Merge the lemmas."""
    net = module.net
    for batch in batches(examples):
        graphs = net.read([e.source for e in batch], [e.tags for e in batch])
        with torch.no_grad():
            clusters = iter(net.merge(net.encode(graphs)).history.cluster.tolist())
        for units, example in zip(graphs.text, batch, strict=True):
            # The form of the target may be another one.
            target = net.source.split(net.target.canonical(example.target))
            yield Segmented(units, target, list(islice(clusters, len(units))))


def compare_boundaries(words: Iterable[Segmented]) -> Stems:
    """Count the words in which a node ends where the form leaves the lemma.

    Words whose form begins with the whole lemma, or with nothing of it, have no such place.
    """
    count, found, chance = 0, 0, 0.0
    for source, target, cluster in words:
        stem = Prefix.similarity(source, target)
        if not 0 < stem < len(source):
            continue
        is_boundary = [a != b for a, b in pairwise(cluster)]
        count += 1
        found += is_boundary[stem - 1]
        chance += sum(is_boundary) / len(is_boundary)
    return Stems(count, found / max(1, count), chance / max(1, count))
