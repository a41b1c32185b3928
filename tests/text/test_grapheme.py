"""Grapheme clusters, and what is known of a unit."""

import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import CATEGORIES, normalize, split_graphemes, unit_info
from pyg_grapheme.text.grapheme import NUM_HASHES, grapheme_indices, hash_words

PIECES = [
    "e",
    "\u0301",
    "👨‍👩‍👧",
    "\u200d",
    "각",
    "ᄀ",
    "ᅡ",
    "\r",
    "\n",
    "🇩",
    "🇪",
    "\ud800",
    "\udc00",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=12).map("".join)
HYPOTHESIS = settings(deadline=None, database=None, max_examples=300)


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("", []),
        ("cat", ["c", "a", "t"]),
        ("e\u0301o\u0302\u0323", ["e\u0301", "o\u0302\u0323"]),
        ("a👨‍👩‍👧b", ["a", "👨‍👩‍👧", "b"]),
        ("👍🏽", ["👍🏽"]),
        ("각가", ["각", "가"]),
        ("\u1100\u1161\u11a8\u1100", ["\u1100\u1161\u11a8", "\u1100"]),
        ("a\r\nb\n\r", ["a", "\r\n", "b", "\n", "\r"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("a\ud800b", ["a", "\ud800", "b"]),
    ],
    ids=[
        "empty",
        "ascii",
        "combining accents",
        "family",
        "skin tone",
        "hangul",
        "hangul jamo",
        "line ends",
        "flags",
        "lone surrogate",
    ],
)
def test_clusters_are_what_a_reader_sees(text: str, clusters: list[str]) -> None:
    assert split_graphemes(text) == clusters


@HYPOTHESIS
@given(TEXTS)
def test_clusters_join_to_the_text(text: str) -> None:
    clusters = split_graphemes(text)
    assert "".join(clusters) == text
    assert all(clusters)


@HYPOTHESIS
@given(TEXTS)
def test_normalize_composes_unless_asked_to_decompose(text: str) -> None:
    assert normalize(text) == unicodedata.normalize("NFC", text)
    assert normalize(text, "NFD") == unicodedata.normalize("NFD", text)


def test_an_unknown_form_is_refused() -> None:
    for form in ("nfc", "none", "auto"):
        message = rf"'form' to be one of 'NFC', 'NFD' \(got '{form}'\)"
        with pytest.raises(ValueError, match=message):
            normalize("a", form)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("units", "indices"),
    [
        ([], []),
        (["a", "b", "b"], [0, 1, 2]),
        (["e", "\u0323", "\u0301", "t"], [0, 0, 0, 1]),
        (["\u1100", "\u1161", "\u11a8", "\u1100", "\u1161"], [0, 0, 0, 1, 1]),
        (["a", "👨", "\u200d", "👩", "!"], [0, 1, 1, 1, 2]),
        (["🇩", "🇪", "🇫", "🇷"], [0, 0, 1, 1]),
        (["\r", "\n", "\n", "\r"], [0, 0, 1, 2]),
        (["e\u0301", "t", "\u0301"], [0, 1, 2]),
    ],
    ids=["none", "ascii", "accents", "jamo", "emoji", "flags", "line ends", "longer units"],
)
def test_code_points_of_one_cluster_share_its_index(units: list[str], indices: list[int]) -> None:
    assert grapheme_indices(units) == indices


def test_indices_of_clusters_partition_a_text_as_it_is_split(script_texts: list[str]) -> None:
    for text in script_texts:
        indices = grapheme_indices(list(text))
        clusters = split_graphemes(text)
        assert [indices.count(i) for i in range(len(clusters))] == list(map(len, clusters)), text
        assert indices == sorted(indices), text
        assert grapheme_indices(clusters) == list(range(len(clusters))), text


@pytest.mark.parametrize(
    ("unit", "category"),
    [
        ("a", "letter"),
        ("각", "letter"),
        ("\u0301", "mark"),
        ("7", "digit"),
        ("?", "punctuation"),
        ("👨‍👩‍👧", "symbol"),
        (" ", "space"),
        ("\r\n", "control"),
        ("\ud800", "control"),
    ],
)
def test_category_is_the_major_unicode_category(unit: str, category: str) -> None:
    assert CATEGORIES[unit_info(unit).category] == category


@HYPOTHESIS
@given(TEXTS.filter(bool))
def test_what_is_known_of_a_unit_stays_in_its_range(text: str) -> None:
    for unit in split_graphemes(text):
        info = unit_info(unit)
        assert 0 <= info.id < 2**63
        assert 0 <= info.value < 1
        assert len(info.hashes) == NUM_HASHES
        assert all(0 <= h < 2**31 for h in info.hashes)


def test_units_that_differ_have_different_ids_and_values() -> None:
    seen = [unit_info(chr(c)) for c in range(32, 2000)]
    assert len({info.id for info in seen}) == len({info.value for info in seen}) == len(seen)


def test_upper_and_lower_case_share_the_last_hash_alone() -> None:
    lower, upper = unit_info("é"), unit_info("É")
    assert lower.hashes[-1] == upper.hashes[-1]
    assert not set(lower.hashes[:-1]) & set(upper.hashes[:-1])


def test_hash_words_are_those_of_b2sum() -> None:
    # printf é | b2sum -l 192
    digest = "3a4b4beec560733fe8ec104638ff9cb4f2c38c8b831ffee8"
    little_endian = [bytes.fromhex(digest[i : i + 8])[::-1].hex() for i in range(0, 48, 8)]
    assert hash_words("é", 6) == tuple(int(word, 16) % 2**31 for word in little_endian)


def test_what_is_known_is_the_same_in_another_process() -> None:
    code = (
        "from pyg_grapheme.text import unit_info; print([unit_info(c) for c in ('a', '\\ud800')])"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == str([unit_info(c) for c in ("a", "\ud800")])
