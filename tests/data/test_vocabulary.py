"""The graphemes that edits write."""

import pytest

from pyg_grapheme.data import DELETE, KEEP, Edits, Vocabulary


def test_numbers_and_graphemes_are_inverse() -> None:
    vocabulary = Vocabulary(["b", "a", "👨‍👩‍👧"])
    assert len(vocabulary) == 3
    assert [vocabulary.number(vocabulary[i]) for i in range(3)] == [0, 1, 2]
    assert vocabulary.number("z") == Vocabulary.UNKNOWN == -1


def test_it_holds_what_edits_write_and_nothing_else() -> None:
    edits = [
        Edits(("k", "d", "s"), (KEEP, DELETE, "z"), ((), ("y", "x"), (), ())),
        Edits(("k",), (KEEP,), ((), ("y",))),
    ]
    assert Vocabulary.from_edits(edits).graphemes == ("x", "y", "z")


def test_no_edits_give_an_empty_vocabulary() -> None:
    assert len(Vocabulary.from_edits([])) == 0


def test_a_grapheme_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'graphemes' to hold no grapheme twice"):
        Vocabulary(["a", "b", "a"])
