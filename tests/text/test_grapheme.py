"""Grapheme clusters, and what is known of each."""

import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_grapheme.text import CATEGORIES, describe, normalize, split_graphemes
from pyg_grapheme.text.grapheme import NUM_HASHES, hash_words

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
def test_normalize_is_nfc_or_nothing(text: str) -> None:
    assert normalize(text) == unicodedata.normalize("NFC", text)
    assert normalize(text, "none") == text


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'form' to be one of 'NFC', 'none' \(got 'nfc'\)"):
        normalize("a", "nfc")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cluster", "category"),
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
def test_category_is_the_major_unicode_category(cluster: str, category: str) -> None:
    assert CATEGORIES[describe(cluster).category] == category


@HYPOTHESIS
@given(TEXTS.filter(bool))
def test_descriptions_stay_in_their_ranges(text: str) -> None:
    for cluster in split_graphemes(text):
        grapheme = describe(cluster)
        assert 0 <= grapheme.id < 2**63
        assert 0 <= grapheme.value < 1
        assert len(grapheme.hashes) == NUM_HASHES
        assert all(0 <= h < 2**31 for h in grapheme.hashes)


def test_graphemes_that_differ_have_different_ids_and_values() -> None:
    seen = [describe(chr(c)) for c in range(32, 2000)]
    assert len({g.id for g in seen}) == len({g.value for g in seen}) == len(seen)


def test_upper_and_lower_case_share_the_last_hash_alone() -> None:
    lower, upper = describe("é"), describe("É")
    assert lower.hashes[-1] == upper.hashes[-1]
    assert not set(lower.hashes[:-1]) & set(upper.hashes[:-1])


def test_hash_words_are_those_of_b2sum() -> None:
    # printf é | b2sum -l 192
    digest = "3a4b4beec560733fe8ec104638ff9cb4f2c38c8b831ffee8"
    little_endian = [bytes.fromhex(digest[i : i + 8])[::-1].hex() for i in range(0, 48, 8)]
    assert hash_words("é", 6) == tuple(int(word, 16) % 2**31 for word in little_endian)


def test_descriptions_are_the_same_in_another_process() -> None:
    code = "from pyg_grapheme.text import describe; print([describe(c) for c in ('a', '\\ud800')])"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == str([describe(c) for c in ("a", "\ud800")])
