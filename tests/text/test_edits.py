"""Edits: they keep all that can be kept, and always lead to the target."""

import random
import sys
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import (
    DELETE,
    KEEP,
    CaseMapping,
    Edits,
    TextUnits,
    apply_edits,
    compute_edits,
    edit_units,
    written_units,
)
from pyg_grapheme.text.edits import Operation

UPPER, LOWER = CaseMapping.UPPER, CaseMapping.LOWER
PIECES = [
    "e",
    "E",
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
UNITS = [
    TextUnits("codepoints", "NFC"),
    TextUnits("codepoints", "NFD"),
    TextUnits("graphemes", "NFC"),
    TextUnits("graphemes", "NFD"),
    TextUnits("whitespace", "NFC"),
    TextUnits("whitespace", "NFD"),
]
HYPOTHESIS = settings(deadline=None, database=None, max_examples=300)


def longest_common_subsequence(before: Sequence[str], after: Sequence[str]) -> int:
    row = [0] * (len(after) + 1)
    for a in before:
        diagonal = 0
        for j, b in enumerate(after, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if a == b else max(row[j], row[j - 1])
    return row[-1]


def test_edits_lead_from_any_script_to_any_other_code_point_by_code_point(
    script_texts: list[str],
) -> None:
    for source in script_texts:
        for target in script_texts:
            edits = compute_edits(source, target)
            assert edits.source == tuple(source)
            assert apply_edits(edits) == target, (source, target)


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_edits_lead_to_the_very_target(source: str, target: str) -> None:
    assert apply_edits(compute_edits(source, target)) == target


@settings(HYPOTHESIS, max_examples=600)
@given(st.data(), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_edits_lead_to_the_target_whatever_the_units(
    data: st.DataObject, source_units: TextUnits, target_units: TextUnits
) -> None:
    source = data.draw(SPACED if source_units.kind == "whitespace" else TEXTS)
    target = data.draw(SPACED if target_units.kind == "whitespace" else TEXTS)
    edits = edit_units(source_units.split(source), target_units.split(target))
    assert target_units.join(written_units(edits)) == unicodedata.normalize("NFC", target)


def test_as_many_code_points_are_kept_as_can_be_and_a_change_of_case_keeps_none() -> None:
    draw = random.Random(0)
    mapped = 0
    for _ in range(3000):
        source, target = ("".join(draw.choices("aAbBßıI", k=draw.randint(0, 8))) for _ in range(2))
        edits = compute_edits(source, target)
        assert apply_edits(edits) == target, (source, target)
        kept = edits.operations.count(KEEP)
        assert kept == longest_common_subsequence(source, target), (source, target)
        for unit, operation in zip(source, edits.operations, strict=True):
            # A substitution by the other case is a case mapping, whenever it can be one.
            assert operation not in (unit, unit.upper(), unit.lower()), (source, target)
            mapped += isinstance(operation, CaseMapping)
    assert mapped > 50


@HYPOTHESIS
@given(TEXTS, TEXTS)
def test_what_is_deleted_comes_before_what_is_inserted(source: str, target: str) -> None:
    _, operations, insertions = compute_edits(source, target)
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
        ("hope", "hoping", (KEEP, KEEP, KEEP, DELETE), ((), (), (), (), tuple("ing"))),
        ("have", "have 6 legs", (KEEP,) * 4, ((), (), (), (), tuple(" 6 legs"))),
        ("ab", "xab", (KEEP, KEEP), (("x",), (), ())),
        ("e\u0301", "\u00e9", (DELETE, DELETE), ((), (), ("\u00e9",))),
        ("an", "An", (UPPER, KEEP), ((), (), ())),
        ("ÉA", "éb", (LOWER, "b"), ((), (), ())),
        ("ǅ", "ǆ", (LOWER,), ((), ())),
        ("ı", "I", (UPPER,), ((), ())),
        ("i", "İ", ("İ",), ((), ())),
        ("ß", "SS", (DELETE,), ((), ("S", "S"))),
        ("a", "AA", (DELETE,), ((), ("A", "A"))),
    ],
    ids=[
        "both empty",
        "insert all",
        "delete all",
        "substitute",
        "append",
        "one piece",
        "one place",
        "prepend",
        "not normalized",
        "upper case",
        "lower case",
        "titlecase",
        "dotless i",
        "dotted I",
        "sharp s",
        "case and more",
    ],
)
def test_small_edits_are_those_found_by_hand(
    source: str,
    target: str,
    operations: tuple[Operation, ...],
    insertions: tuple[tuple[str, ...], ...],
) -> None:
    edits = compute_edits(source, target)
    assert (edits.operations, edits.insertions) == (operations, insertions)


@pytest.mark.parametrize(
    ("before", "after", "operations", "insertions"),
    [
        (["g", "a", "\u030a"], ["g", "a", "\u0308"], (KEEP, KEEP, "\u0308"), ((), (), (), ())),
        (["\u1100", "\u1161", "\u11a8"], ["\u1100", "\u1161"], (KEEP, KEEP, DELETE), ((),) * 4),
        (["t͡ʃ", "ɪ"], ["ʃ", "ɪ", "n"], ("ʃ", KEEP), ((), (), ("n",))),
        (["e\u0301", "of"], ["E\u0301", "OF"], (UPPER, "OF"), ((), (), ())),
        (["New", "York"], ["new", "york"], (LOWER, LOWER), ((), (), ())),
    ],
    ids=["accent", "jamo", "phones", "first code point", "words"],
)
def test_units_are_kept_deleted_and_written_whole(
    before: list[str],
    after: list[str],
    operations: tuple[Operation, ...],
    insertions: tuple[tuple[str, ...], ...],
) -> None:
    edits = edit_units(before, after)
    assert edits == Edits(tuple(before), operations, insertions)
    assert written_units(edits) == tuple(after)


def test_kept_and_mapped_units_are_the_source_s_own() -> None:
    edits = edit_units(["x", "👨‍👩‍👧", "y", "z"], ["👨‍👩‍👧", "Z"])
    assert edits.operations == (DELETE, KEEP, DELETE, DELETE)
    edits = edit_units(["x", "👨‍👩‍👧", "z"], ["👨‍👩‍👧", "Z"])
    assert edits.operations == (DELETE, KEEP, UPPER)
    other = edits._replace(source=("x", "🏴‍☠️", "œu"))
    assert written_units(other) == ("🏴‍☠️", "Œu")


def test_case_mappings_are_those_of_one_code_point_to_another_one() -> None:
    for code in range(sys.maxunicode + 1):
        unit = chr(code)
        for case, mapped in ((UPPER, unit.upper()), (LOWER, unit.lower())):
            found = case.map_first(unit)
            if len(mapped) == 1 and mapped != unit:
                assert found == mapped, unit
                edits = Edits((unit,), (case,), ((), ()))
                assert apply_edits(edits) == mapped, unit
                assert compute_edits(unit, mapped) == edits, unit
            else:
                assert found is None, unit


@pytest.mark.parametrize(
    ("unit", "upper", "lower"),
    [
        ("a", "A", None),
        ("A", None, "a"),
        ("7", None, None),
        ("ß", None, None),
        ("ẞ", None, "ß"),
        ("ŉ", None, None),
        ("ﬁ", None, None),
        ("İ", None, None),
        ("ı", "I", None),
        ("ſ", "S", None),
        ("ǅ", "Ǆ", "ǆ"),
        ("Σ", None, "σ"),
        ("ς", "Σ", None),
        ("𐐨", "𐐀", None),
        ("e\u0301", "E\u0301", None),
        ("aa", "Aa", None),
        ("ßa", None, None),
        ("1a", None, None),
        ("", None, None),
    ],
)
def test_case_mappings_of_single_units_by_hand(
    unit: str, upper: str | None, lower: str | None
) -> None:
    assert (UPPER.map_first(unit), LOWER.map_first(unit)) == (upper, lower)


@pytest.mark.parametrize(
    ("unit", "case"), [("ß", UPPER), ("İ", LOWER), ("A", UPPER), ("a", LOWER), ("7a", UPPER)]
)
def test_a_case_mapping_without_effect_is_refused(unit: str, case: CaseMapping) -> None:
    edits = Edits((unit,), (case,), ((), ()))
    for carry_out in (written_units, apply_edits):
        with pytest.raises(ValueError, match=rf"another {case.value} case \(got '{unit}'\)"):
            carry_out(edits)


def test_of_no_edits_nothing_is_written() -> None:
    assert written_units(Edits((), (), ((),))) == ()
    assert apply_edits(Edits((), (), ((),))) == ""


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


def test_edits_between_any_units_lead_to_the_target_and_keep_all_they_can() -> None:
    draw = random.Random(0)
    units = ["a", "A", "t͡ʃ", "T͡ʃ", "t", "͡", "aː", "Aː", " "]
    for _ in range(1000):
        source, target = (tuple(draw.choices(units, k=draw.randint(0, 6))) for _ in range(2))
        edits = edit_units(source, target)
        assert written_units(edits) == target
        assert edits.operations.count(KEEP) == longest_common_subsequence(source, target)
        assert edit_units(source, list(target)) == edits
