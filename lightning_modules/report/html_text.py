"""Texts as HTML with visible spaces, control characters and differences."""

import unicodedata
from collections.abc import Collection, Sequence
from html import escape

from rapidfuzz.distance import Levenshtein

_SIGNS = {" ": "·", "\t": "⇥", "\n": "⏎"}
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
"""General categories of code points that are invisible, or that no font has a glyph for."""


def show_unit(unit: str, *, marked: bool = False) -> str:
    r"""Return a unit as HTML; invisible code points are named, a marked space by a larger sign.

    >>> show_unit("<"), show_unit("\x00"), show_unit(" ", marked=True)
    ('&lt;', '<i class="sign">U+0000</i>', '<i class="sign">␣</i>')
    """
    if marked and unit == " ":
        return '<i class="sign">␣</i>'
    # Joiners and tags inside an emoji are part of it: naming them would split it.
    is_symbol = unit != "" and unicodedata.category(unit[0])[0] == "S"
    pieces, has_base = [], False
    for char in unit:
        category = unicodedata.category(char)
        is_named = category in _HIDDEN and not (is_symbol and category == "Cf")
        if category[0] == "M" and not has_base:
            pieces.append("◌")  # Else the mark would join what stands before it.
        pieces.append(_name_code_point(char) if is_named else escape(char))
        has_base = not is_named
    return "".join(pieces)


def _name_code_point(char: str) -> str:
    # Allow a line break after it, as after the space itself.
    behind = "<wbr>" if char in " \n\t" else ""
    return f'<i class="sign">{_sign(char)}</i>{behind}'


def _sign(char: str) -> str:
    return _SIGNS.get(char, f"U+{ord(char):04X}")


def name_hidden(text: str) -> str:
    r"""Return a text for attributes with invisible code points named; not yet escaped.

    >>> name_hidden("a b\x07")
    'a bU+0007'
    """
    return "".join(
        _sign(char) if char != " " and unicodedata.category(char) in _HIDDEN else char
        for char in text
    )


def show_units(
    units: Sequence[str], marked: Collection[int] = (), tag: str = "mark", gap: str = ""
) -> str:
    """Return units as HTML with a gap between them, and runs of marked ones inside a ``tag``.

    >>> show_units("aber", {1, 2}, "del")
    'a<del>be</del>r'
    """
    pieces: list[str] = []
    inside = False
    for i, unit in enumerate(units):
        between = gap if i else ""
        if (i in marked) != inside:
            inside = not inside
            pieces.append(f"{between}<{tag}>" if inside else f"</{tag}>{between}")
        else:
            pieces.append(between)
        pieces.append(show_unit(unit, marked=inside))
    if inside:
        pieces.append(f"</{tag}>")
    return "".join(pieces)


def show_difference(
    prediction: Sequence[str], target: Sequence[str], gap: str = ""
) -> tuple[str, str]:
    """Return a prediction and its target as HTML: wrong units in ``del``, missing ones in ``ins``.

    >>> show_difference("hopeing", "hopping")
    ('hop<del>e</del>ing', 'hop<ins>p</ins>ing')
    """
    edits = Levenshtein.editops(prediction, target)
    surplus = {edit.src_pos for edit in edits if edit.tag != "insert"}
    lacking = {edit.dest_pos for edit in edits if edit.tag != "delete"}
    return show_units(prediction, surplus, "del", gap), show_units(target, lacking, "ins", gap)
