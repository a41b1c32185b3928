"""Edits of a text from the edits of its nodes, worked out by hand."""

from collections.abc import Sequence

from pyg_grapheme.text import DELETE as REMOVED
from pyg_grapheme.text import KEEP as KEPT
from pyg_grapheme.text import CaseMapping, Edits, Vocabulary
from pyg_grapheme.text.model.edit_decoder import DELETE, INSERT, KEEP, LOWER, SUBSTITUTE, UPPER
from pyg_grapheme.text.model.hypotheses import EditPath, Step
from pyg_grapheme.text.model.read_path import read_path

VOCABULARY = Vocabulary(["x", "y", "ch"])
UNITS = ["s", "e", "H", "t"]
FIRST = [0, 2, 3, 4]
"""Of the nodes "se", "H", "t", and of the end."""

ANY = 99
"""Deletions and copies write no unit of the vocabulary; what the search has there is not read."""


def read(*steps: tuple[int, int, int], first: Sequence[int] = FIRST) -> Edits:
    return read_path(EditPath([Step(*step) for step in steps], 0.0), first, UNITS, VOCABULARY)


def test_a_node_is_copied_unit_by_unit() -> None:
    edits = read((0, KEEP, ANY), (0, KEEP, ANY), (1, KEEP, ANY), (2, DELETE, ANY), (3, DELETE, ANY))
    assert edits == Edits(("s", "e", "H", "t"), (KEPT, KEPT, KEPT, REMOVED), ((),) * 5)


def test_a_case_mapping_is_that_of_the_first_unit_of_a_node() -> None:
    edits = read(
        (0, UPPER, ANY), (0, KEEP, ANY), (1, LOWER, ANY), (2, UPPER, ANY), (3, DELETE, ANY)
    )
    assert edits.operations == (CaseMapping.UPPER, KEPT, CaseMapping.LOWER, CaseMapping.UPPER)
    assert edits.insertions == ((),) * 5


def test_a_unit_takes_the_place_of_a_whole_node() -> None:
    edits = read((0, SUBSTITUTE, 2), (1, KEEP, ANY), (2, SUBSTITUTE, 0), (3, DELETE, ANY))
    assert edits.operations == ("ch", REMOVED, KEPT, "x")
    assert edits.insertions == ((),) * 5


def test_a_copy_behind_deleted_and_substituted_nodes_is_at_its_own_place() -> None:
    edits = read((0, DELETE, ANY), (1, SUBSTITUTE, 1), (2, KEEP, ANY), (3, DELETE, ANY))
    assert edits.operations == (REMOVED, REMOVED, "y", KEPT)


def test_units_are_inserted_in_front_of_nodes_and_at_the_end() -> None:
    edits = read(
        (0, INSERT, 0),
        (0, INSERT, 1),
        (0, KEEP, ANY),
        (0, KEEP, ANY),
        (1, DELETE, ANY),
        (2, INSERT, 2),
        (2, KEEP, ANY),
        (3, INSERT, 1),
        (3, INSERT, 0),
        (3, DELETE, ANY),
    )
    assert edits.operations == (KEPT, KEPT, REMOVED, KEPT)
    assert edits.insertions == (("x", "y"), (), (), ("ch",), ("y", "x"))


def test_rows_are_numbered_through_all_texts() -> None:
    """The rows of a text of two nodes, and its end, come first."""
    edits = read(
        (3, KEEP, ANY),
        (3, KEEP, ANY),
        (4, INSERT, 0),
        (4, DELETE, ANY),
        (5, UPPER, ANY),
        (6, DELETE, ANY),
        first=[0, 1, 2, *FIRST],
    )
    assert edits.operations == (KEPT, KEPT, REMOVED, CaseMapping.UPPER)
    assert edits.insertions == ((), (), ("x",), (), ())


def test_an_empty_text_has_only_insertions() -> None:
    path = EditPath([Step(0, INSERT, 1), Step(0, DELETE, ANY)], 0.0)
    assert read_path(path, [0], [], VOCABULARY) == Edits((), (), (("y",),))
