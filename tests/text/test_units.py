"""What one node of a text is, and that nothing is lost between text and units."""

import unicodedata
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import TextUnits, choose_form, join_units, split_units
from pyg_grapheme.text.typing import NormalForm, UnitsName
from pyg_grapheme.text.units import expect_text_units

PIECES = ["e", "\u0301", "\u00e9", "\u0323", "👨‍👩‍👧", "\u200d", "각", "ᄀ", "ᅡ", "ᆨ", "\u212b"]
PIECES += ["\r", "\n", "🇩🇪", "t͡ʃ", "\u0344", "\U0001d15e", "\u00a0", "\u3000", "\ud800"]
TEXTS = st.lists(st.one_of(st.sampled_from([*PIECES, " "]), st.characters()), max_size=12).map(
    "".join
)
HYPOTHESIS = settings(deadline=None, database=None, max_examples=300)
FORMS: tuple[NormalForm, ...] = get_args(NormalForm)
KINDS: tuple[UnitsName, ...] = get_args(UnitsName)


def expect_nothing_lost(text: str, kind: UnitsName, form: NormalForm) -> None:
    units = TextUnits(kind, form)
    split = units.split(text)
    composed = unicodedata.normalize("NFC", text)
    if kind == "whitespace":
        composed = " ".join(part for part in composed.split(" ") if part)
    else:
        assert "".join(split) == unicodedata.normalize(form, text)
    assert all(split)
    assert units.join(split) == units.canonical(text) == composed, (text, units)
    assert units.split(composed) == split, (text, units)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_units_joined_are_the_composed_text_in_any_script(
    kind: UnitsName, form: NormalForm, script_texts: list[str]
) -> None:
    for text in script_texts:
        expect_nothing_lost(text, kind, form)


@HYPOTHESIS
@given(TEXTS, st.sampled_from(KINDS), st.sampled_from(FORMS))
def test_units_joined_are_the_composed_text(text: str, kind: UnitsName, form: NormalForm) -> None:
    expect_nothing_lost(text, kind, form)


@HYPOTHESIS
@given(TEXTS, st.sampled_from(FORMS))
def test_code_points_are_those_of_the_normal_form(text: str, form: NormalForm) -> None:
    assert split_units(text, "codepoints", form) == list(unicodedata.normalize(form, text))


@pytest.mark.parametrize(
    ("text", "kind", "form", "expected"),
    [
        ("", "graphemes", "NFC", []),
        ("", "codepoints", "NFD", []),
        ("", "whitespace", "NFC", []),
        ("e\u0301 t", "graphemes", "NFC", ["\u00e9", " ", "t"]),
        ("\u00e9 t", "graphemes", "NFD", ["e\u0301", " ", "t"]),
        ("\u00e9", "codepoints", "NFD", ["e", "\u0301"]),
        ("e\u0301", "codepoints", "NFC", ["\u00e9"]),
        ("각", "codepoints", "NFD", ["\u1100", "\u1161", "\u11a8"]),
        ("각", "graphemes", "NFD", ["\u1100\u1161\u11a8"]),
        ("👨‍👩‍👧", "codepoints", "NFC", ["👨", "\u200d", "👩", "\u200d", "👧"]),
        ("t͡ʃ ɪ p", "whitespace", "NFC", ["t͡ʃ", "ɪ", "p"]),
        ("  a   b ", "whitespace", "NFC", ["a", "b"]),
        ("a\u00a0b\tc d", "whitespace", "NFC", ["a\u00a0b\tc", "d"]),
        (" \u0301", "whitespace", "NFC", ["\u0301"]),
        ("e\u0301 e", "whitespace", "NFC", ["\u00e9", "e"]),
        ("\u00e9 e", "whitespace", "NFD", ["e\u0301", "e"]),
    ],
)
def test_small_texts_are_split_as_by_hand(
    text: str, kind: UnitsName, form: NormalForm, expected: list[str]
) -> None:
    assert split_units(text, kind, form) == TextUnits(kind, form).split(text) == expected


@pytest.mark.parametrize(
    ("sequence", "kind", "expected"),
    [
        (["e", "\u0301"], "codepoints", "\u00e9"),
        (["e\u0301", "t"], "graphemes", "\u00e9t"),
        (["\u1112", "\u1161", "\u11ab"], "codepoints", "한"),
        (["k", "æ"], "whitespace", "k æ"),
        (["e", "\u0301"], "whitespace", "e \u0301"),
        ([], "whitespace", ""),
    ],
)
def test_sequences_are_joined_as_by_hand(
    sequence: list[str], kind: UnitsName, expected: str
) -> None:
    assert join_units(sequence, kind) == TextUnits(kind, "NFD").join(sequence) == expected


def test_units_are_composed_code_points_unless_asked() -> None:
    assert TextUnits() == TextUnits("codepoints", "NFC")
    assert split_units("e\u0301a") == TextUnits().split("e\u0301a") == ["\u00e9", "a"]
    assert join_units(["e", "\u0301"]) == TextUnits().join(["e", "\u0301"]) == "\u00e9"
    assert str(TextUnits("graphemes", "NFD")) == "graphemes in NFD"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", "NFC"),
        ("abc 12!", "NFC"),
        ("über", "NFD"),
        ("u\u0308ber", "NFD"),
        ("q\u0307\u0323", "NFC"),
        ("\u212b", "NFD"),
        ("\u0645\u064f\u062d\u0645\u0651\u064e", "NFC"),
        ("\u0622", "NFD"),
        ("\u05d1\u05b0\u05bc", "NFC"),
        ("\ufb2a", "NFC"),
        ("\u0958", "NFC"),
        ("한", "NFD"),
        ("\u1112\u1161\u11ab", "NFD"),
        ("\u11ab", "NFC"),
        ("ﬁ", "NFC"),
        ("ß", "NFC"),
        ("İ", "NFD"),
        ("ı", "NFC"),
        ("👨‍👩‍👧", "NFC"),
    ],
)
def test_the_form_is_nfd_exactly_if_it_changes_the_composed_text(
    text: str, form: NormalForm
) -> None:
    assert choose_form([text]) == form
    assert choose_form(iter(["ab", text, "c"])) == form


def has_decomposition(code_point: str) -> bool:
    """Look up the canonical decomposition; that of Hangul syllables is a rule, in no table."""
    mapping = unicodedata.decomposition(code_point)
    return (bool(mapping) and mapping[0] != "<") or "\uac00" <= code_point <= "\ud7a3"


@HYPOTHESIS
@given(st.lists(TEXTS, max_size=3))
def test_the_form_is_nfd_exactly_if_a_composed_code_point_has_a_decomposition(
    texts: list[str],
) -> None:
    composed = unicodedata.normalize("NFC", "\n".join(texts))
    assert (choose_form(texts) == "NFD") == any(map(has_decomposition, composed))


def test_a_form_that_is_given_is_chosen_and_an_unknown_one_is_refused() -> None:
    for form in FORMS:
        assert choose_form(["über"], form) == choose_form(["abc"], form) == form
    message = r"Expected 'form' to be one of 'auto', 'NFC', 'NFD' \(got '{}'\)"
    for old in ("none", "NFKC"):
        with pytest.raises(ValueError, match=message.format(old)):
            choose_form(["a"], old)  # type: ignore[arg-type]


def test_unknown_units_are_refused() -> None:
    unknown: UnitsName = "letters"  # type: ignore[assignment]
    message = r"'kind' to be one of 'codepoints', 'graphemes', 'whitespace' \(got 'letters'\)"
    for call in (
        lambda: split_units("a", unknown),
        lambda: join_units(["a"], unknown),
        lambda: TextUnits(unknown).split("a"),
        lambda: TextUnits(unknown).join(["a"]),
        lambda: TextUnits(unknown).canonical("a"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_unknown_forms_are_refused() -> None:
    form = r"Expected 'form' to be one of 'NFC', 'NFD' \(got 'none'\)"
    with pytest.raises(ValueError, match=form):
        split_units("a", "whitespace", "none")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("codepoints", r"Expected 'source' to be a TextUnits \(got 'codepoints'\)"),
        (("codepoints", "NFC"), r"Expected 'source' to be a TextUnits"),
        (TextUnits("words"), r"'source.kind' to be one of 'codepoints', "),  # type: ignore[arg-type]
        (TextUnits("graphemes", "none"), r"'source.form' to be one of 'NFC', 'NFD'"),  # type: ignore[arg-type]
    ],
)
def test_what_are_no_text_units_is_refused(units: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expect_text_units("source", units)
    expect_text_units("source", TextUnits("graphemes", "NFD"))


def test_a_space_among_units_between_spaces_is_no_unit() -> None:
    """A model may copy a space of its source into a target of phones."""
    assert TextUnits("whitespace").join(["a", " ", "b c", ""]) == "a b c"
