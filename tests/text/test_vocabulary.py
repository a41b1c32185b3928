"""The units that a model can write."""

import pytest

from pyg_grapheme.text import Vocabulary


def test_indices_and_units_are_inverse() -> None:
    vocabulary = Vocabulary(["b", "a", "👨‍👩‍👧"])
    assert len(vocabulary) == 3
    assert [vocabulary.index(vocabulary[i]) for i in range(3)] == [0, 1, 2]
    assert vocabulary.index("z") == Vocabulary.UNKNOWN == -1


def test_it_holds_the_units_of_texts_once_and_in_order() -> None:
    texts = [["t͡ʃ", "ɪ", "p"], "pax", ("y", "x", "y"), []]
    assert Vocabulary.from_texts(texts).units == ("a", "p", "t͡ʃ", "x", "y", "ɪ")


def test_no_texts_give_an_empty_vocabulary() -> None:
    assert len(Vocabulary.from_texts([])) == 0
    assert Vocabulary([]).index("a") == Vocabulary.UNKNOWN


def test_a_unit_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'units' to hold no unit twice"):
        Vocabulary(["a", "b", "a"])
