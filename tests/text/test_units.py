"""What one node of a text is, and that nothing is lost between text and units."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import join_units, split_units
from pyg_grapheme.text.typing import NormalForm, UnitsName

PIECES = ["e", "\u0301", "\u00e9", "\u0323", "👨‍👩‍👧", "\u200d", "각", "ᄀ", "ᅡ", "ᆨ", "\u212b"]
PIECES += ["\r", "\n", "🇩🇪", "t͡ʃ", "\u0344", "\U0001d15e", "\u00a0", "\u3000", "\ud800"]
TEXTS = st.lists(st.one_of(st.sampled_from([*PIECES, " "]), st.characters()), max_size=12).map(
    "".join
)
HYPOTHESIS = settings(deadline=None, database=None, max_examples=300)
FORMS = st.sampled_from(["NFC", "none"])


def normal(text: str, form: NormalForm) -> str:
    return text if form == "none" else unicodedata.normalize(form, text)


@HYPOTHESIS
@given(TEXTS, st.sampled_from(["graphemes", "letters"]), FORMS)
def test_units_joined_are_the_normalized_text(
    text: str, units: UnitsName, form: NormalForm
) -> None:
    assert join_units(split_units(text, units, form), units, form) == normal(text, form)


@HYPOTHESIS
@given(st.lists(TEXTS.map(lambda text: text.replace(" ", "")).filter(bool), max_size=5), FORMS)
def test_spaced_units_joined_are_the_normalized_text(fields: list[str], form: NormalForm) -> None:
    text = " ".join(fields)
    split = split_units(text, "spaced", form)
    assert len(split) == len(fields)
    assert join_units(split, "spaced", form) == normal(text, form)


@HYPOTHESIS
@given(TEXTS, FORMS)
def test_of_a_spaced_text_nothing_but_surplus_spaces_goes(text: str, form: NormalForm) -> None:
    split = split_units(text, "spaced", form)
    assert all(split)
    assert "".join(split) == normal(text, form).replace(" ", "")


@HYPOTHESIS
@given(text=TEXTS)
def test_letters_are_single_code_points(text: str) -> None:
    assert split_units(text, "letters", "none") == list(text)
    assert split_units(text, "letters") == list(unicodedata.normalize("NFD", text))


@pytest.mark.parametrize(
    ("text", "units", "form", "expected"),
    [
        ("", "graphemes", "NFC", []),
        ("", "letters", "NFC", []),
        ("", "spaced", "NFC", []),
        ("e\u0301 t", "graphemes", "NFC", ["\u00e9", " ", "t"]),
        ("\u00e9", "letters", "NFC", ["e", "\u0301"]),
        ("\u00e9", "letters", "none", ["\u00e9"]),
        ("각", "letters", "NFC", ["\u1100", "\u1161", "\u11a8"]),
        ("👨‍👩‍👧", "letters", "NFC", ["👨", "\u200d", "👩", "\u200d", "👧"]),
        ("t͡ʃ ɪ p", "spaced", "NFC", ["t͡ʃ", "ɪ", "p"]),
        ("  a   b ", "spaced", "NFC", ["a", "b"]),
        ("a\u00a0b\tc d", "spaced", "NFC", ["a\u00a0b\tc", "d"]),
        (" \u0301", "spaced", "NFC", ["\u0301"]),
        ("e\u0301 e", "spaced", "NFC", ["\u00e9", "e"]),
    ],
)
def test_small_texts_are_split_as_by_hand(
    text: str, units: UnitsName, form: NormalForm, expected: list[str]
) -> None:
    assert split_units(text, units, form) == expected


@pytest.mark.parametrize(
    ("sequence", "units", "form", "expected"),
    [
        (["e", "\u0301"], "letters", "NFC", "\u00e9"),
        (["e", "\u0301"], "letters", "none", "e\u0301"),
        (["e", "\u0301"], "graphemes", "NFC", "e\u0301"),
        (["\u1112", "\u1161", "\u11ab"], "letters", "NFC", "한"),
        (["k", "æ"], "spaced", "NFC", "k æ"),
        ([], "spaced", "NFC", ""),
    ],
)
def test_sequences_are_joined_as_by_hand(
    sequence: list[str], units: UnitsName, form: NormalForm, expected: str
) -> None:
    assert join_units(sequence, units, form) == expected


def test_unknown_units_and_forms_are_refused() -> None:
    units = r"Expected 'units' to be one of 'graphemes', 'letters', 'spaced' \(got 'words'\)"
    form = r"Expected 'form' to be one of 'NFC', 'none' \(got 'NFD'\)"
    with pytest.raises(ValueError, match=units):
        split_units("a", "words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=units):
        join_units(["a"], "words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=form):
        split_units("a", "spaced", "NFD")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=form):
        join_units(["a"], "letters", "NFD")  # type: ignore[arg-type]
