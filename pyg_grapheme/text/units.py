"""The units of a text: what one node of its graph stands for."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from pyg_grapheme.options import expect_one_of
from pyg_grapheme.text.grapheme import normalize, split_graphemes
from pyg_grapheme.text.typing import FormName, NormalForm, UnitsName


def split_units(text: str, kind: UnitsName = "codepoints", form: NormalForm = "NFC") -> list[str]:
    r"""Bring a text to a normal form and split it into units.

    * ``"codepoints"``: single code points. In the form NFD, "é" is "e" and its accent, and a Hangul
      syllable is two or three jamo, so that each part can change by itself.
    * ``"graphemes"``: extended grapheme clusters, as :func:`split_graphemes` finds them.
    * ``"whitespace"``: the parts between spaces (U+0020 only), such as the phones of a word.
      Several spaces count as one; those at the ends are dropped.

    Args:
        text: Any text, the empty one included.
        kind: Kind of unit.
        form: Unicode normal form.

    Returns:
        The units, none of them empty.

    Raises:
        ValueError: if ``kind`` or ``form`` is unknown.

    Cost: O(len(text)).

    >>> split_units("an é", form="NFD") == ["a", "n", " ", "e", "\u0301"]
    True
    >>> split_units("t͡ʃ ɪ p", "whitespace")
    ['t͡ʃ', 'ɪ', 'p']
    """
    expect_one_of("kind", kind, get_args(UnitsName))
    text = normalize(text, form)
    if kind == "codepoints":
        return list(text)
    if kind == "graphemes":
        return split_graphemes(text)
    return [unit for unit in text.split(" ") if unit]


def join_units(sequence: Sequence[str], kind: UnitsName = "codepoints") -> str:
    """Write a sequence of units as a text in the form NFC, the inverse of :func:`split_units`.

    Units of the kind "whitespace" are separated by a space.

    Raises:
        ValueError: if ``kind`` is unknown.

    Cost: O(length of the text).

    >>> join_units(["k", "æ", "t"], "whitespace")
    'k æ t'
    """
    expect_one_of("kind", kind, get_args(UnitsName))
    if kind == "whitespace":
        # A copied unit of the source may be a space.
        return normalize(" ".join(part for unit in sequence for part in unit.split(" ") if part))
    return normalize("".join(sequence))


class TextUnits(NamedTuple):
    r"""Kind and normal form of units: splits the texts of one side, and joins them again.

    ``units.join(units.split(text))`` is the text in the form NFC; for the kind "whitespace", with
    one space between units and none at the ends.

    Attributes:
        kind: Kind of unit; see :func:`split_units`.
        form: Normal form of the units.

    Example:
        >>> units = TextUnits("codepoints", "NFD")
        >>> units.split("é") == ["e", "\u0301"], units.join(["e", "\u0301"]) == "\u00e9"
        (True, True)
    """

    kind: UnitsName = "codepoints"
    form: NormalForm = "NFC"

    def split(self, text: str) -> list[str]:
        """Bring a text to the normal form and split it."""
        return split_units(text, self.kind, self.form)

    def join(self, sequence: Sequence[str]) -> str:
        """Write units as a text in the form NFC."""
        return join_units(sequence, self.kind)

    def canonical(self, text: str) -> str:
        """Bring a text to the form in which units are joined.

        >>> TextUnits("whitespace").canonical(" k  æ t")
        'k æ t'
        """
        return self.join(self.split(text))

    def __str__(self) -> str:
        return f"{self.kind} in {self.form}"


def choose_form(texts: Iterable[str], form: FormName = "auto") -> NormalForm:
    """Choose the normal form of some texts: for "auto", NFD if that changes a text, else NFC.

    A mark, a jamo or an umlaut can then be edited by itself. Where no text has any, both forms are
    the same, and NFC costs nothing for texts that do.

    Args:
        texts: Texts of the training data; compared in the form NFC.
        form: A form, which is returned, or "auto".

    Raises:
        ValueError: if ``form`` is unknown.

    >>> choose_form(["abc"]), choose_form(["über"])
    ('NFC', 'NFD')
    """
    expect_one_of("form", form, get_args(FormName))
    if form != "auto":
        return form
    composed = (normalize(text) for text in texts)
    return "NFC" if all(unicodedata.is_normalized("NFD", text) for text in composed) else "NFD"


def expect_text_units(name: str, units: object) -> None:
    """Refuse what is not a :class:`TextUnits` of known kind and form.

    Raises:
        ValueError: if it is none.
    """
    if not (isinstance(units, TextUnits) and all(isinstance(value, str) for value in units)):
        raise ValueError(f"Expected '{name}' to be a TextUnits (got {units!r})")
    expect_one_of(f"{name}.kind", units.kind, get_args(UnitsName))
    expect_one_of(f"{name}.form", units.form, get_args(NormalForm))
