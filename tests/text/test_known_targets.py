"""The targets that most examples of a source agree on."""

from pyg_grapheme.text import Example, TextUnits, find_known_targets


def test_a_target_is_known_if_more_than_half_of_the_examples_have_it() -> None:
    examples = [
        *(Example("vn", target) for target in ("und", "un", "und")),
        *(Example("half", target) for target in ("a", "b", "a", "b")),
        *(Example("most", target) for target in ("a", "b", "a", "c")),
        Example("once", ""),
    ]
    assert find_known_targets(examples) == {"vn": "und", "once": ""}
    assert find_known_targets(iter(examples[::-1])) == {"vn": "und", "once": ""}
    assert find_known_targets([]) == {}


def test_examples_with_tags_are_ignored() -> None:
    tagged = [Example("go", "went", ("PST",))] * 3
    assert find_known_targets(tagged) == {}
    assert find_known_targets([*tagged, Example("go", "goes")]) == {"go": "goes"}


def test_texts_are_the_same_if_they_are_in_the_units_of_their_side() -> None:
    examples = [
        Example("e\u0301  t", "e t"),
        Example("\u00e9 t", "e  t"),
        Example("\u00e9 t", "e\u0301"),
        Example(" \u00e9 t", "\u00e9"),
    ]
    plain, spaced = TextUnits("codepoints", "NFD"), TextUnits("whitespace", "NFD")
    # The targets of "é t" are "e  t" and "é": neither has more than half.
    assert find_known_targets(examples, plain, plain) == {
        "\u00e9  t": "e t",
        " \u00e9 t": "\u00e9",
    }
    # All sources are the same; of the targets, two and two are.
    assert find_known_targets(examples, spaced, spaced) == {}
    assert find_known_targets(examples[:3], spaced, spaced) == {"\u00e9 t": "e t"}
    assert find_known_targets(examples[:3], spaced, plain) == {}
    assert find_known_targets(examples[:3], plain, spaced) == {"\u00e9  t": "e t"}
