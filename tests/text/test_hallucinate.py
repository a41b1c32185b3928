"""Made-up examples: stems change, all else stays."""

import unicodedata
from collections import Counter

import pytest

from pyg_grapheme.text import Example, hallucinate, split_graphemes
from pyg_grapheme.text.hallucinate import find_stems

PAST = ("V", "PST")


def test_stems_by_hand() -> None:
    assert find_stems("walk", "walked") == [(0, 0, 4)]
    assert find_stems("machen", "gemacht") == [(0, 2, 4)]
    # Longer parts keep their first and last unit.
    assert find_stems("bearbeiten", "bearbeitet") == [(1, 1, 7)]
    # An insertion or a deletion inside ends a part; parts below three units do not count.
    assert find_stems("abcdef", "abcxdef") == [(0, 0, 3), (3, 4, 3)]
    assert find_stems("abcxdef", "abcdef") == [(0, 0, 3), (4, 3, 3)]
    assert find_stems("go", "went") == find_stems("", "") == find_stems("ab", "abab") == []
    # A space belongs to no stem.
    assert find_stems("abc def", "abc def") == [(0, 0, 3), (4, 4, 3)]


def test_only_the_stem_changes_and_it_is_the_same_on_both_sides() -> None:
    known = Example("walk", "unwalked", PAST)
    made = hallucinate([known], 300, seed=1)
    assert all(e.target == f"un{e.source}ed" and len(e.source) == 4 for e in made)
    assert {e.tags for e in made} == {PAST}
    assert len({e.source for e in made}) > 100
    letters = Counter(letter for e in made for letter in e.source)
    assert set(letters) == set("walkuned")
    # Half of the letters are drawn, and "k" is 2 of the 12 letters of the example: 150 of 300
    # last letters stay, and 25 of the drawn ones are "k" again (standard deviation 9).
    assert 140 < sum(e.source.endswith("k") for e in made) < 210


def test_known_examples_are_used_in_turn_and_those_without_a_stem_are_left_out() -> None:
    known = [Example("talk", "talks", ("PRS",)), Example("go", "went", PAST)]
    made = hallucinate([*known, Example("jump", "jumped", PAST)], 5)
    assert [e.tags for e in made] == [("PRS",), PAST, ("PRS",), PAST, ("PRS",)]
    assert made == hallucinate([*known, Example("jump", "jumped", PAST)], 5)
    assert made != hallucinate([*known, Example("jump", "jumped", PAST)], 5, seed=1)
    with pytest.raises(
        ValueError, match=r"Expected an example whose target keeps 3 characters in a row"
    ):
        hallucinate(known[1:], 5)
    with pytest.raises(ValueError, match=r"Expected 'count' to be at least 1 \(got 0\)"):
        hallucinate(known, 0)


def test_marks_stay_with_their_letters() -> None:
    """No word begins with a mark, and no syllable comes apart."""
    for word, ending in (("विद्यालय", "वाले"), ("가나다라", "를"), ("übermüde", "t")):
        made = hallucinate([Example(word, word + ending)], 50)
        clusters = set(split_graphemes(unicodedata.normalize("NFC", word + ending)))
        assert len({e.source for e in made}) > 5
        for example in made:
            assert set(split_graphemes(example.source)) <= clusters
            assert example.target == example.source + ending
