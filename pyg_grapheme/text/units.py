"""What one node of a text is: a grapheme, a letter, or what stands between spaces."""

import unicodedata
from collections.abc import Sequence
from typing import get_args

from pyg_grapheme.options import expect_one_of
from pyg_grapheme.text.grapheme import normalize, split_graphemes
from pyg_grapheme.text.typing import NormalForm, UnitsName


def split_units(text: str, units: UnitsName = "graphemes", form: NormalForm = "NFC") -> list[str]:
    r"""Bring a text to a normal form and split it into units.

    * ``"graphemes"``: extended grapheme clusters, as :func:`split_graphemes` finds them.
    * ``"letters"``: code points; with form "NFC" those of the canonical decomposition, so that a
      Hangul syllable comes apart into its jamo and "é" into "e" and its accent.
    * ``"spaced"``: what stands between spaces (U+0020 alone), such as the phones of a word. Spaces
      part units and are none themselves: several in a row count as one, those at the ends as none.

    :func:`join_units` makes of them ``normalize(text, form)`` again; of a spaced text, that text
    with one space between units and none at its ends.

    Args:
        text: Any text, the empty one included.
        units: What a unit is.
        form: Unicode normal form.

    Returns:
        The units, none of them empty; of an empty text none.

    Raises:
        ValueError: if ``units`` or ``form`` is unknown.

    Cost: O(len(text)).

    >>> split_units("an é", "letters") == ["a", "n", " ", "e", "\u0301"]
    True
    >>> split_units("t͡ʃ ɪ p", "spaced")
    ['t͡ʃ', 'ɪ', 'p']
    """
    expect_one_of("units", units, get_args(UnitsName))
    text = normalize(text, form)
    if units == "graphemes":
        return split_graphemes(text)
    if units == "letters":
        return list(text if form == "none" else unicodedata.normalize("NFD", text))
    return [unit for unit in text.split(" ") if unit]


def join_units(
    sequence: Sequence[str], units: UnitsName = "graphemes", form: NormalForm = "NFC"
) -> str:
    """Write a sequence of units as one text, the inverse of :func:`split_units`.

    Letters are composed again where the form is "NFC"; spaced units get a space between them.

    Raises:
        ValueError: if ``units`` or ``form`` is unknown.

    Cost: O(length of the text).

    >>> join_units(["k", "æ", "t"], "spaced")
    'k æ t'
    """
    expect_one_of("units", units, get_args(UnitsName))
    if units == "letters":
        return normalize("".join(sequence), form)
    return (" " if units == "spaced" else "").join(sequence)


def as_written(text: str, units: UnitsName = "graphemes", form: NormalForm = "NFC") -> str:
    """Bring a text to the form in which a model would write it.

    >>> as_written(" k  æ t", "spaced")
    'k æ t'
    """
    return join_units(split_units(text, units, form), units, form)
