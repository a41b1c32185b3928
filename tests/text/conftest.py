"""Texts in many scripts."""

import unicodedata

import pytest

SCRIPTS = {
    "latin": "The quick fox, 12 times!",
    "accents in any order": "a\u0323\u0302 a\u0302\u0323 \u1ead q\u0307\u0323 \u212b \u0344",
    "marks without a letter": "\u0301 \u0301\u0308 a\u0315\u0300\u05ae\u0300",
    "singletons": "\u212b \u2126 \u0958 \U0002f800",
    "arabic with vowel marks": "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f \u0622\u0645",
    "hebrew with points": "\u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4 \ufb2a",
    "devanagari": "क्षत्रिय हिन्दी \u0958 \u0915\u093c",
    "hangul": "한글 각",
    "jamo": "\u1112\u1161\u11ab \u1100\u1161 \u11a8",
    "thai": "ภาษาไทย น้ำ",
    "emoji": "👨‍👩‍👧‍👦 👍🏽🇩🇪🇫🇷 ❤️ 🏴‍☠️ 🏴\U000e0067\U000e0062\U000e007f",
    "right to left with marks": "\u202b\u05e9\u05dc\u202c ab \u200f!\u2067\u0645\u0631\u2069",
    "astral": "𝔘𝔫𝔦 𐐀𐐨 𝄞 𒀀 \U0001d15e \U00011099\U000110ba",
    "line ends": "a\r\nb\n\rc\u2028\u0085\0",
    "turkish": "ıIİi Iğdır i\u0307",
    "german": "Straße STRASSE ß ẞ ŉ",
    "ligatures": "ﬁ ﬀ ĳ Ĳ fi",
    "titlecase": "ǆ ǅ Ǆ dž",
    "greek": "Σίσυφος ΐ \u1f71 ᾳ ᾼ",
    "georgian and cherokee": "აბ ᲐᲑ ꭰ Ꭰ",
    "spaces": "  a   b\u00a0\u3000\u2000\t c ",
}


@pytest.fixture(scope="session")
def scripts() -> dict[str, str]:
    """Texts in many scripts."""
    return SCRIPTS


@pytest.fixture(scope="session")
def script_texts() -> list[str]:
    """Texts in many scripts, as written, composed, decomposed, and in other cases; an empty one."""
    texts = [
        form
        for text in ("", *SCRIPTS.values())
        for form in (
            text,
            unicodedata.normalize("NFC", text),
            unicodedata.normalize("NFD", text),
            text.upper(),
            text.lower(),
            text.title(),
        )
    ]
    return list(dict.fromkeys(texts))
