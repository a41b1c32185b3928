"""The search for edits, against a loop over single edits and against enumeration of all edits."""

import math
from itertools import accumulate

import pytest
import torch

from pyg_grapheme.text import DELETE, KEEP, CaseMapping, Edits, written_units
from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.hypotheses import EditPath
from pyg_grapheme.text.model.read_path import read_path

VOCABULARY = ["a", "b", "é", "É", "👍🏽"]
TEXTS = [["👩‍👩‍👧‍👦", "é", "q", "𝄞"], [], ["B"], ["é", "국", "a", "B", "a", "R\u0308"], ["z"]]
SIZES = [[1, 3], [], [1], [2, 1, 2, 1], [1]]

COPIES = {
    edit_decoder.KEEP: KEEP,
    edit_decoder.UPPER: CaseMapping.UPPER,
    edit_decoder.LOWER: CaseMapping.LOWER,
}


def read(task, paths: list[list[EditPath]]) -> list[list[Edits]]:
    """Return the edits of the units of each text."""
    start = task.rows.start.tolist()
    return [
        [read_path(path, start, text, task.net.vocabulary) for path in found]
        for text, found in zip(task.texts, paths, strict=True)
    ]


@torch.no_grad()
def write(task, max_insert: int) -> list[Edits]:
    return [edits for (edits,) in read(task, task.search(max_insert))]


def write_by_loop(task, number: int, max_insert: int) -> tuple[Edits, tuple[str, ...], float]:
    """Take the most probable edit at each step; return what is written and its log-probability."""
    nodes = task.nodes(number)
    operations: list[str | CaseMapping | None] = []
    insertions: list[tuple[str, ...]] = []
    written: tuple[str, ...] = ()
    score = 0.0
    for row, node in enumerate([*nodes, ()]):
        inserted: tuple[str, ...] = ()
        while True:
            likely = task.edit_probabilities(number, row, written)
            if len(inserted) == max_insert:
                likely = {edit: p for edit, p in likely.items() if edit[0] != edit_decoder.INSERT}
            operation, unit = max(likely, key=likely.__getitem__)
            score += math.log(likely[operation, unit])
            if operation != edit_decoder.INSERT:
                break
            inserted, written = (*inserted, unit), (*written, unit)
        insertions += [inserted, *[()] * (len(node) - 1)]
        if operation in COPIES:
            operations += [COPIES[operation], *[KEEP] * (len(node) - 1)]
            written += task.copies(node)[operation]
        elif operation == edit_decoder.SUBSTITUTE:
            operations += [unit, *[DELETE] * (len(node) - 1)]
            written += (unit,)
        else:
            operations += [DELETE] * len(node)
    return Edits(task.texts[number], tuple(operations), tuple(insertions)), written, score


@torch.no_grad()
@pytest.mark.parametrize("max_insert", [1, 3])
def test_a_beam_of_one_takes_the_most_probable_edit(draw_task, max_insert: int) -> None:
    seen: set[object] = set()
    for seed in range(30):
        task = draw_task(TEXTS, SIZES, VOCABULARY, seed, map_case=bool(seed % 5), scale=4.0)
        paths = task.search(max_insert)
        for number, (edits,) in enumerate(read(task, paths)):
            expected, written, score = write_by_loop(task, number, max_insert)
            assert edits == expected
            assert written_units(edits) == written
            assert paths[number][0].log_probability == pytest.approx(score, rel=1e-9)
            seen |= {"x" if o and isinstance(o, str) else o for o in edits.operations}
            seen |= {len(units) for units in edits.insertions}
    assert seen >= {KEEP, DELETE, "x", *CaseMapping, *range(max_insert + 1)}


# Of "aaaa", the same can be written in one step of the search with other units left to copy.
SMALL_TEXTS = ["abA", "", "Ba", "1", "aaaa"]
SMALL_NODES = [(2, 1), (), (1, 1), (1,), (2, 2)]
SMALL_VOCABULARY = "Aa"


@torch.no_grad()
@pytest.mark.parametrize(
    ("texts", "nodes", "max_insert", "map_case"),
    [
        (SMALL_TEXTS, SMALL_NODES, 1, True),
        (SMALL_TEXTS, SMALL_NODES, 1, False),
        (["Ba", ""], [(1, 1), ()], 2, True),
    ],
)
def test_a_wide_beam_finds_all_outputs_and_their_probabilities(
    draw_task, texts: list[str], nodes: list[tuple[int, ...]], max_insert: int, map_case: bool
) -> None:
    task = draw_task(texts, nodes, SMALL_VOCABULARY, 1, map_case)
    paths = task.search(max_insert, beam=10_000)
    for number, (found, edits) in enumerate(zip(paths, read(task, paths), strict=True)):
        expected = task.enumerate_outputs(number, max_insert)
        outputs = [written_units(one) for one in edits]
        assert sorted(outputs) == sorted(expected)
        for output, path in zip(outputs, found, strict=True):
            wanted = math.log(expected[output])
            assert path.log_probability == pytest.approx(wanted, rel=1e-9), output
        scores = [path.log_probability for path in found]
        assert scores == sorted(scores, reverse=True)


@torch.no_grad()
def test_a_narrow_beam_finds_distinct_outputs_and_at_most_their_probabilities(draw_task) -> None:
    improved = 0
    for seed in range(2):
        task = draw_task(SMALL_TEXTS, SMALL_NODES, SMALL_VOCABULARY, seed)
        greedy = task.search(max_insert=1)
        outputs_of = [task.enumerate_outputs(n, max_insert=1) for n in range(len(SMALL_TEXTS))]
        for beam in (2, 5):
            paths = task.search(1, beam)
            for number, (found, edits) in enumerate(zip(paths, read(task, paths), strict=True)):
                exact = outputs_of[number]
                outputs = [written_units(one) for one in edits]
                assert 1 <= len(outputs) <= beam
                assert len(set(outputs)) == len(outputs)
                for output, path in zip(outputs, found, strict=True):
                    assert path.log_probability <= math.log(exact[output]) + 1e-9
                improved += found[0].log_probability > greedy[number][0].log_probability + 1e-9
    assert improved


@torch.no_grad()
@pytest.mark.parametrize("beam", [1, 2, 7])
def test_texts_do_not_depend_on_each_other(draw_task, beam: int) -> None:
    for seed in range(5):
        task = draw_task(TEXTS, SIZES, VOCABULARY, seed)
        together = task.search(2, beam)
        for number, (found, edits) in enumerate(zip(together, read(task, together), strict=True)):
            alone = task.alone(number)
            (expected,) = alone.search(2, beam)
            assert edits == read(alone, [expected])[0]
            for path, other in zip(found, expected, strict=True):
                assert path.log_probability == pytest.approx(other.log_probability, rel=1e-9)


@torch.no_grad()
def test_a_node_is_copied_to_its_end(draw_task) -> None:
    """Only its first unit changes its case, whatever the decoder prefers behind it."""
    changed = 0
    for seed in range(20):
        task = draw_task(["aBab"], [(3, 1)], SMALL_VOCABULARY, seed)
        for edits in read(task, task.search(2, beam=8))[0]:
            first, *others = edits.operations[:3]
            is_copied = first is KEEP or isinstance(first, CaseMapping)
            # The rest of a node that is substituted or deleted is deleted.
            assert others == [KEEP if is_copied else DELETE] * 2
            assert edits.insertions[1:3] == ((), ())
            changed += first is CaseMapping.UPPER
    assert changed


def prefer(task, *operations: int) -> None:
    """Make the decoder prefer some operations, the first one most."""
    with torch.no_grad():
        task.net.decoder.operation.bias.zero_()
        for rank, operation in enumerate(operations):
            task.net.decoder.operation.bias[operation] = 1000.0 / (1 + rank)


def test_what_is_kept_is_copied_exactly(draw_task) -> None:
    task = draw_task(TEXTS, SIZES, VOCABULARY)
    prefer(task, edit_decoder.KEEP, edit_decoder.DELETE)
    for text, edits in zip(TEXTS, write(task, 64), strict=True):
        assert edits.operations == (KEEP,) * len(text)
        assert written_units(edits) == tuple(text)


def test_a_copy_changes_the_case_of_the_first_unit_of_each_node(draw_task) -> None:
    """Where there is no such case, the node is deleted: that is the second preference."""
    task = draw_task(TEXTS, SIZES, VOCABULARY)
    for operation, expected in (
        (edit_decoder.UPPER, [("É", "q", "𝄞"), (), (), ("É", "국", "A"), ("Z",)]),
        (edit_decoder.LOWER, [(), (), ("b",), ("b", "a", "r\u0308"), ()]),
    ):
        prefer(task, operation, edit_decoder.DELETE)
        assert [written_units(edits) for edits in write(task, 64)] == expected


def test_no_more_is_inserted_than_may_be(draw_task) -> None:
    """In front of every node, not of every unit, and at the end."""
    task = draw_task(TEXTS, SIZES, VOCABULARY)
    prefer(task, edit_decoder.INSERT, edit_decoder.DELETE)
    for max_insert in (1, 2, 7):
        for sizes, edits in zip(SIZES, write(task, max_insert), strict=True):
            expected = [n for size in sizes for n in (max_insert, *[0] * (size - 1))]
            assert [len(units) for units in edits.insertions] == [*expected, max_insert], max_insert
            assert set(edits.operations) <= {DELETE}, max_insert


def test_one_unit_takes_the_place_of_a_whole_node(draw_task) -> None:
    task = draw_task(TEXTS, SIZES, VOCABULARY)
    prefer(task, edit_decoder.SUBSTITUTE, edit_decoder.DELETE)
    for sizes, edits in zip(SIZES, write(task, 64), strict=True):
        starts = list(accumulate(sizes, initial=0))[:-1]
        assert len(written_units(edits)) == len(sizes)
        places = [i for i, operation in enumerate(edits.operations) if operation]
        assert places == starts


def test_all_texts_may_end_at_once(draw_task) -> None:
    task = draw_task(TEXTS, SIZES, VOCABULARY)
    prefer(task, edit_decoder.DELETE)
    assert [written_units(edits) for edits in write(task, 64)] == [()] * len(TEXTS)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("beam", [1, 3])
def test_a_model_without_a_vocabulary_can_copy_and_delete(draw_task, beam: int) -> None:
    task = draw_task(TEXTS, SIZES, [])
    prefer(task, edit_decoder.INSERT, edit_decoder.KEEP)
    edits = read(task, task.search(64, beam))
    assert [written_units(found[0]) for found in edits] == [tuple(t) for t in TEXTS]


def test_texts_without_a_unit_have_only_an_end(draw_task) -> None:
    task = draw_task([[], []], [[], []], VOCABULARY)
    prefer(task, edit_decoder.INSERT, edit_decoder.DELETE)
    assert [len(written_units(edits)) for edits in write(task, 2)] == [2, 2]
