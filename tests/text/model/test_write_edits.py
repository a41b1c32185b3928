"""Greedy writing against a loop that writes one text, and reads it all again at every step."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
import torch
from rapidfuzz.distance import Prefix
from torch import Tensor

from pyg_grapheme.text import DELETE, KEEP, Edits, Vocabulary, describe, written_units
from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.edit_decoder import EditDecoder
from pyg_grapheme.text.model.lattice_rows import EditRows, edit_rows
from pyg_grapheme.text.model.read_trace import read_trace
from pyg_grapheme.text.model.write_edits import EmbeddedUnits, write_edits

VOCABULARY = Vocabulary(["a", "b", "é", "👍🏽"])
TEXTS = [["👩‍👩‍👧‍👦", "é", "q", "𝄞"], [], ["b"], ["한", "국", "a", "b", "a", "r\u0308"], ["z"]]
SIZES = [[1, 3], [], [1], [2, 1, 2, 1], [1]]
CHANNELS, EMBEDDED = 5, 4


class Task(NamedTuple):
    """What is to be written, as ``write_edits`` takes it."""

    decoder: EditDecoder
    rows: EditRows
    context: Tensor
    vocabulary: EmbeddedUnits
    source: EmbeddedUnits


def draw(merge_texts, seed: int) -> Task:
    """A decoder of strong opinions and no sense."""
    torch.manual_seed(seed)
    decoder = EditDecoder(CHANNELS, EMBEDDED, len(VOCABULARY), 8, max_distance=3).double().eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(4)
    pooled = merge_texts(SIZES, CHANNELS, seed)
    end, context = torch.randn(len(TEXTS), CHANNELS), torch.randn(len(TEXTS), EMBEDDED)
    rows = edit_rows(pooled.x, pooled, end.double())
    vocabulary = embed(VOCABULARY.units)
    return Task(decoder, rows, context.double(), vocabulary, embed([u for t in TEXTS for u in t]))


def embed(units: Sequence[str]) -> EmbeddedUnits:
    identity = torch.tensor([describe(unit).id for unit in units], dtype=torch.long)
    return EmbeddedUnits(identity, torch.randn(len(units), EMBEDDED).double())


@pytest.fixture
def task(merge_texts) -> Task:
    return draw(merge_texts, 0)


@torch.no_grad()
def write(task: Task, max_insert: int) -> list[Edits]:
    trace = write_edits(*task, max_insert)
    return read_trace(trace, task.rows, TEXTS, VOCABULARY)


def compare_slowly(source: list[str], written: list[str]) -> tuple[list[int], list[int]]:
    """Of every beginning of what is written: units in common at the start, and those behind."""
    common = [Prefix.similarity(source, written[:j]) for j in range(len(written) + 1)]
    return common, [j - count for j, count in enumerate(common)]


@torch.no_grad()
def write_slowly(task: Task, number: int, max_insert: int) -> tuple[Edits, list[str]]:
    """Edits of one text, and what was written."""
    decoder, rows = task.decoder, task.rows
    row, first = (sum(len(s) for s in SIZES[:number]) + number), sum(map(len, TEXTS[:number]))
    text, sizes = TEXTS[number], [*SIZES[number], 0]
    operations: list[str | None] = []
    insertions: list[tuple[str, ...]] = []
    written: list[str] = []
    read: list[Tensor] = []
    start = 0
    for i, size in enumerate(sizes):
        inserted: list[str] = []
        while True:
            units = torch.stack(read) if read else torch.empty(0, EMBEDDED, dtype=torch.double)
            common, since = compare_slowly(text, written)
            situated = decoder.situate(
                task.context[number : number + 1],
                len(text) - torch.tensor([common]),
                torch.tensor([since]),
            )
            state = decoder.read(units[None], torch.tensor([since[1:]]), situated).state[0, -1]
            distance = torch.tensor(len(written) - start)
            logits, of_units = decoder.logits(decoder.node(rows.x[row + i]), state, distance)
            operation = logits.softmax(0).tolist()
            unit = int(of_units.argmax())
            share = of_units.softmax(0)[unit].item()
            likely = {"delete": operation[edit_decoder.DELETE]}
            if size:
                likely["keep"] = operation[edit_decoder.KEEP]
                likely["substitute"] = operation[edit_decoder.SUBSTITUTE] * share
            if len(inserted) < max_insert:
                likely["insert"] = operation[edit_decoder.INSERT] * share
            chosen = max(likely, key=likely.__getitem__)
            if chosen != "insert":
                break
            inserted.append(VOCABULARY[unit])
            written.append(VOCABULARY[unit])
            read.append(task.vocabulary.x[unit])
        insertions += [tuple(inserted), *[()] * (size - 1)]
        if chosen == "keep":
            operations += [KEEP] * size
            written += text[start : start + size]
            read += task.source.x[first + start : first + start + size]
        elif chosen == "substitute":
            operations += [VOCABULARY[unit], *[DELETE] * (size - 1)]
            written.append(VOCABULARY[unit])
            read.append(task.vocabulary.x[unit])
        else:
            operations += [DELETE] * size
        start += size
    return Edits(tuple(text), tuple(operations), tuple(insertions)), written


@pytest.mark.parametrize("max_insert", [1, 3])
def test_writes_as_a_slow_loop_does(merge_texts, max_insert: int) -> None:
    seen = set()
    for seed in range(30):
        task = draw(merge_texts, seed)
        for number, edits in enumerate(write(task, max_insert)):
            expected, written = write_slowly(task, number, max_insert)
            assert edits == expected
            assert list(written_units(edits)) == written
            seen |= {
                KEEP if o is KEEP else DELETE if o == DELETE else "x" for o in edits.operations
            }
            seen |= {len(units) for units in edits.insertions}
    assert seen >= {KEEP, DELETE, "x", *range(max_insert + 1)}


def prefer(task: Task, *operations: int) -> None:
    """Make the decoder prefer some operations, the first one most."""
    with torch.no_grad():
        task.decoder.operation.bias.zero_()
        for rank, operation in enumerate(operations):
            task.decoder.operation.bias[operation] = 1000.0 / (1 + rank)


def test_what_is_kept_is_copied_exactly(task: Task) -> None:
    prefer(task, edit_decoder.KEEP, edit_decoder.DELETE)
    for text, edits in zip(TEXTS, write(task, 64), strict=True):
        assert edits.operations == (KEEP,) * len(text)
        assert written_units(edits) == tuple(text)


def test_no_more_is_inserted_than_may_be(task: Task) -> None:
    """In front of every node, not of every unit, and at the end."""
    for max_insert in (1, 2, 7):
        prefer(task, edit_decoder.INSERT, edit_decoder.DELETE)
        for sizes, edits in zip(SIZES, write(task, max_insert), strict=True):
            expected = [n for size in sizes for n in (max_insert, *[0] * (size - 1))]
            assert [len(units) for units in edits.insertions] == [*expected, max_insert], max_insert
            assert set(edits.operations) <= {DELETE}, max_insert


def test_one_unit_takes_the_place_of_a_whole_node(task: Task) -> None:
    prefer(task, edit_decoder.SUBSTITUTE, edit_decoder.DELETE)
    for sizes, edits in zip(SIZES, write(task, 64), strict=True):
        assert len(written_units(edits)) == len(sizes)
        places = [bool(operation) for operation in edits.operations]
        assert places == [i == 0 for size in sizes for i in range(size)]


def test_all_texts_may_end_at_once(task: Task) -> None:
    prefer(task, edit_decoder.DELETE)
    assert [written_units(edits) for edits in write(task, 64)] == [()] * len(TEXTS)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_without_a_vocabulary_there_is_still_keeping_and_deleting(task: Task) -> None:
    decoder = EditDecoder(CHANNELS, EMBEDDED, 0, 8).double().eval()
    task = task._replace(decoder=decoder, vocabulary=embed([]))
    prefer(task, edit_decoder.INSERT, edit_decoder.KEEP)
    assert [written_units(edits) for edits in write(task, 64)] == [tuple(t) for t in TEXTS]


def test_texts_without_a_unit_have_only_an_end(task: Task, merge_texts) -> None:
    pooled = merge_texts([[], []], CHANNELS)
    rows = edit_rows(pooled.x, pooled, task.rows.x[:2])
    task = task._replace(rows=rows, context=task.context[:2], source=embed([]))
    prefer(task, edit_decoder.INSERT, edit_decoder.DELETE)
    with torch.no_grad():
        edits = read_trace(write_edits(*task, 2), rows, [[], []], VOCABULARY)
    assert [len(written_units(e)) for e in edits] == [2, 2]
