"""Edits: they keep all that can be kept, and always lead to the target."""

import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.data import DELETE, KEEP, Edits, apply_edits, compute_edits

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


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'form' to be one of 'NFC', 'none' \(got 'NFX'\)"):
        compute_edits("a", "b", "NFX")  # type: ignore[arg-type]
