"""Edits between random texts of all scripts: applied, they give the target."""

import unicodedata
from random import Random
from typing import get_args

from benchmarks.faults.outcome import Outcome, add_up, name_error
from pyg_grapheme.text import apply_edits, compute_edits
from pyg_grapheme.text.typing import NormalForm

RANGES = {
    "ASCII": (0x00, 0x7F),
    "Latin": (0xA0, 0x24F),
    "IPA": (0x250, 0x2FF),
    "marks": (0x300, 0x36F),
    "Greek": (0x370, 0x3FF),
    "Cyrillic": (0x400, 0x52F),
    "Armenian": (0x531, 0x58F),
    "Hebrew": (0x591, 0x5F4),
    "Arabic": (0x600, 0x6FF),
    "Devanagari": (0x900, 0x97F),
    "Tamil": (0xB80, 0xBFF),
    "Thai": (0xE00, 0xE7F),
    "Tibetan": (0xF00, 0xFFF),
    "Georgian": (0x10A0, 0x10FF),
    "jamo": (0x1100, 0x11FF),
    "Greek with marks": (0x1F00, 0x1FFF),
    "punctuation and formats": (0x2000, 0x206F),
    "kana": (0x3040, 0x30FF),
    "Han": (0x4E00, 0x9FFF),
    "Hangul": (0xAC00, 0xD7A3),
    "surrogates": (0xD800, 0xDFFF),
    "private use": (0xE000, 0xF8FF),
    "ligatures": (0xFB00, 0xFB4F),
    "variation selectors": (0xFE00, 0xFE0F),
    "full width": (0xFF00, 0xFFEF),
    "Deseret": (0x10400, 0x1044F),
    "mathematical": (0x1D400, 0x1D7FF),
    "flags": (0x1F1E6, 0x1F1FF),
    "emoji": (0x1F300, 0x1FAFF),
    "skin tones": (0x1F3FB, 0x1F3FF),
    "tags": (0xE0000, 0xE007F),
    "end of Unicode": (0x10FF00, 0x10FFFF),
    "all": (0x00, 0x10FFFF),
}
"""First and last code points, assigned or not."""

CASES = "ßẞİıIiǅǆǄſKÅΣσςŉǰΐﬁﬀԵՒև\u0345Ꭰꭰ"
"""Letters whose case mappings are not one-to-one, or not of the same block."""


def fuzz_edits(number: int, seed: int) -> Outcome:
    """Compute edits between random texts, and apply them.

    A pair survives if the target comes of it. Cases depend on the seed and their index alone.
    """
    return add_up(fuzz_pair(f"{seed}/{index}") for index in range(number))


def fuzz_pair(case: str) -> Outcome:
    """Compute and apply the edits of one random pair; repeats a failure by its seed and index."""
    rng = Random(case)
    source = draw_text(rng)
    target = change_text(source, rng) if rng.random() < 0.7 else draw_text(rng)
    if rng.random() < 0.8:
        form = rng.choice(get_args(NormalForm))
        source, target = (unicodedata.normalize(form, text) for text in (source, target))
    try:
        edits = compute_edits(source, target)
        found = apply_edits(edits)
    except Exception as error:
        return Outcome(1, 0, 0, [f"{case} {source!a} to {target!a}: {name_error(error)}"])
    if found != target or "".join(edits.source) != source:
        return Outcome(1, 0, 0, [f"{case} {source!a} to {target!a}: gives {found!a}"])
    return Outcome(1, 1, 0, [])


def draw_text(rng: Random) -> str:
    """Draw a text, at times an empty one, of one to three scripts with marks in any order."""
    scripts = rng.choices(list(RANGES), k=rng.randint(1, 3))
    length = rng.choice((0, 1, 2, 5, 10, 20, 60))
    letters = []
    for _ in range(length):
        kind = rng.random()
        if kind < 0.1:
            letters.append(rng.choice(CASES))
        elif kind < 0.2:
            letters.append(chr(rng.randint(*RANGES["marks"])))
        else:
            letters.append(chr(rng.randint(*RANGES[rng.choice(scripts)])))
    return "".join(letters)


def change_text(text: str, rng: Random) -> str:
    """Leave out, put in, move or replace parts of a text, or change their case."""
    for _ in range(rng.randint(0, 4)):
        start = rng.randint(0, len(text))
        stop = start + rng.randint(0, 4)
        part = text[start:stop]
        new = rng.choice(
            ("", part + part, part[::-1], part.upper(), part.lower(), part.title(), draw_text(rng))
        )
        text = text[:start] + new + text[stop:]
    return text
