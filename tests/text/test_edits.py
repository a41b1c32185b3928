"""Edits: they keep all that can be kept, and always lead to the target."""

import random
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import (
    DELETE,
    KEEP,
    Edits,
    apply_edits,
    compute_edits,
    edit_units,
    written_units,
)
from pyg_grapheme.text.typing import NormalForm, UnitsName

PIECES = [
    "e",
    "\u0301",
    "e\u0301",
    "\u00e9",
    "👨‍👩‍👧",
    "\u200d",
    "각",
    "ᄀ",
    "ᅡ",
    "\r",
    "\n",
    "🇩🇪",
    "\ud800",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=9).map("".join)
SPACED = st.lists(TEXTS.filter(lambda t: t and " " not in t), max_size=4).map(" ".join)
UNITS: tuple[UnitsName, ...] = ("graphemes", "letters", "spaced")
HYPOTHESIS = settings(deadline=None, database=None, max_examples=300)


def clusters(text: str) -> list[str]:
    return regex.findall(r"\X", text)


def longest_common_subsequence(before: list[str], after: list[str]) -> int:
    row = [0] * (len(after) + 1)
    for a in before:
        diagonal = 0
        for j, b in enumerate(after, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if a == b else max(row[j], row[j - 1])
    return row[-1]


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_edits_lead_to_the_normalized_target(source: str, target: str) -> None:
    assert apply_edits(compute_edits(source, target)) == unicodedata.normalize("NFC", target)


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_edits_lead_to_the_very_target_without_a_normal_form(source: str, target: str) -> None:
    assert apply_edits(compute_edits(source, target, "none")) == target


@settings(HYPOTHESIS, max_examples=600)
@given(st.data(), st.sampled_from(UNITS), st.sampled_from(UNITS), st.sampled_from(["NFC", "none"]))
def test_edits_lead_to_the_target_whatever_the_units(
    data: st.DataObject, source_units: UnitsName, target_units: UnitsName, form: NormalForm
) -> None:
    source = data.draw(SPACED if source_units == "spaced" else TEXTS)
    target = data.draw(SPACED if target_units == "spaced" else TEXTS)
    edits = compute_edits(source, target, form, source_units, target_units)
    expected = target if form == "none" else unicodedata.normalize(form, target)
    assert apply_edits(edits, form, target_units) == expected


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_as_many_graphemes_are_kept_as_can_be(source: str, target: str) -> None:
    kept = compute_edits(source, target, "none").operations.count(KEEP)
    assert kept == longest_common_subsequence(clusters(source), clusters(target))


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_what_is_deleted_comes_before_what_is_inserted(source: str, target: str) -> None:
    _, operations, insertions = compute_edits(source, target, "none")
    for before, operation, behind in zip(insertions, operations, insertions[1:], strict=False):
        if operation is not KEEP:
            assert not before
        if operation:  # a substitution
            assert not behind


@pytest.mark.parametrize(
    ("source", "target", "operations", "insertions"),
    [
        ("", "", (), ((),)),
        ("", "ab", (), (("a", "b"),)),
        ("ab", "", (DELETE, DELETE), ((), (), ())),
        ("cat", "cut", (KEEP, "u", KEEP), ((), (), (), ())),
        ("cat", "cats", (KEEP, KEEP, KEEP), ((), (), (), ("s",))),
        ("e\u0301", "\u00e9", (KEEP,), ((), ())),
        ("hope", "hoping", (KEEP, KEEP, KEEP, DELETE), ((), (), (), (), tuple("ing"))),
        ("have", "have 6 legs", (KEEP,) * 4, ((), (), (), (), tuple(" 6 legs"))),
        ("ab", "xab", (KEEP, KEEP), (("x",), (), ())),
    ],
    ids=[
        "both empty",
        "insert all",
        "delete all",
        "substitute",
        "append",
        "composed alike",
        "one piece",
        "one place",
        "prepend",
    ],
)
def test_small_edits_are_those_found_by_hand(
    source: str,
    target: str,
    operations: tuple[str | None, ...],
    insertions: tuple[tuple[str, ...], ...],
) -> None:
    edits = compute_edits(source, target)
    assert (edits.operations, edits.insertions) == (operations, insertions)


@pytest.mark.parametrize(
    ("source", "target", "units", "operations", "insertions", "written"),
    [
        ("gå", "gä", ("letters", "letters"), (KEEP, KEEP, "\u0308"), ((), (), (), ()), "gä"),
        ("각", "가", ("letters", "letters"), (KEEP, KEEP, DELETE), ((), (), (), ()), "가"),
        ("axe", "æ k s", ("graphemes", "spaced"), tuple("æks"), ((), (), (), ()), "æ k s"),
        ("t͡ʃ ɪ", "ʃ ɪ n", ("spaced", "spaced"), ("ʃ", KEEP), ((), (), ("n",)), "ʃ ɪ n"),
        ("t e", "té", ("spaced", "graphemes"), (KEEP, "é"), ((), (), ()), "té"),
    ],
    ids=["accent", "jamo", "phones", "phones kept", "spelled"],
)
def test_units_are_kept_deleted_and_written_whole(
    source: str,
    target: str,
    units: tuple[UnitsName, UnitsName],
    operations: tuple[str | None, ...],
    insertions: tuple[tuple[str, ...], ...],
    written: str,
) -> None:
    edits = compute_edits(source, target, "NFC", *units)
    assert (edits.operations, edits.insertions) == (operations, insertions)
    assert apply_edits(edits, "NFC", units[1]) == written


def test_written_units_are_those_of_the_target() -> None:
    edits = compute_edits("tʃip", "t͡ʃ ɪ p", target_units="spaced")
    assert written_units(edits) == ("t͡ʃ", "ɪ", "p")
    assert written_units(Edits((), (), ((),))) == ()


def test_forms_that_look_alike_differ_without_normalization() -> None:
    assert compute_edits("e\u0301", "\u00e9", "none").operations == ("\u00e9",)


def test_kept_graphemes_are_the_source_s_own() -> None:
    edits = compute_edits("x👨‍👩‍👧y", "👨‍👩‍👧")
    assert edits.operations == (DELETE, KEEP, DELETE)
    other = edits._replace(source=("x", "🏴‍☠️", "y"))
    assert apply_edits(other) == "🏴‍☠️"


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (Edits(("a", "b"), (KEEP,), ((), (), ())), r"'operations' to have 2 entries \(got 1\)"),
        (Edits(("a",), (KEEP,), ((),)), r"'insertions' to have 2 entries \(got 1\)"),
    ],
    ids=["operations", "insertions"],
)
def test_edits_of_the_wrong_length_are_refused(edits: Edits, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply_edits(edits)
    with pytest.raises(ValueError, match=message):
        written_units(edits)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'form' to be one of 'NFC', 'none' \(got 'NFX'\)"):
        compute_edits("a", "b", "NFX")  # type: ignore[arg-type]


def test_unknown_units_are_refused() -> None:
    message = r"'units' to be one of 'graphemes', 'letters', 'spaced' \(got 'words'\)"
    for options in ({"source_units": "words"}, {"target_units": "words"}):
        with pytest.raises(ValueError, match=message):
            compute_edits("a", "b", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        apply_edits(compute_edits("a", "b"), units="words")  # type: ignore[arg-type]


def test_edits_between_units_by_hand() -> None:
    assert edit_units(tuple("hope"), tuple("hoping")) == Edits(
        tuple("hope"), (None, None, None, ""), ((), (), (), (), tuple("ing"))
    )


def test_edits_between_any_units_lead_to_the_target() -> None:
    draw = random.Random(0)
    units = ["a", "t͡ʃ", "t", "͡", "aː", " "]
    for _ in range(200):
        source, target = (tuple(draw.choices(units, k=draw.randint(0, 6))) for _ in range(2))
        assert written_units(edit_units(source, target)) == target
        assert edit_units(source, list(target)) == edit_units(source, target)
