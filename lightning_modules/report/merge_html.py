"""Merges as HTML: one box per cluster of neighbours, with the scores between them."""

from collections import Counter
from html import escape
from itertools import groupby

from lightning_modules.report.html_text import name_hidden, show_unit, show_units
from pyg_grapheme.text import MergedText, split_graphemes

_COLOURS = 6
"""Number of colours in the style sheet, as in the pictures of merges."""


def show_merges(text: MergedText) -> str:
    """Return a text as a row of boxes, with the prediction below it."""
    size = Counter(text.cluster)
    runs = [list(run) for _, run in groupby(range(len(text.cluster)), text.cluster.__getitem__)]
    boxes = []
    for run in runs:
        cluster = text.cluster[run[0]]
        colour = f" k{cluster % _COLOURS}" if size[cluster] > 1 else ""
        inside = "".join(_unit(text, i, joined=i != run[0]) for i in run)
        before = _score(text, run[0])
        boxes.append(f'{before}<span class="box{colour}">{inside}</span>')
    said = " | ".join("".join(text.units[i] for i in run) for run in runs)
    written = show_units(split_graphemes(text.rewritten))
    return (
        f'<li><div class="boxes" dir="auto" role="img" aria-label="{escape(name_hidden(said))}">'
        f"{''.join(boxes)}</div>\n"
        f'<p class="rewritten">→ <bdi>{written}</bdi></p></li>\n'
    )


def _unit(text: MergedText, i: int, *, joined: bool) -> str:
    """Return unit i; underlined if it belongs to the grapheme cluster of the unit before."""
    score = _score(text, i) if joined else ""
    continues = i > 0 and bool(text.grapheme) and text.grapheme[i] == text.grapheme[i - 1]
    kind = ' class="part"' if continues else ""
    return f"{score}<b{kind}>{show_unit(text.units[i])}</b>"


def _score(text: MergedText, i: int) -> str:
    """Return the score of unit i and the one before it; strong if they are merged."""
    if i == 0:
        return ""
    tag = "strong" if text.cluster[i] == text.cluster[i - 1] else "span"
    return f"<small><{tag}>{text.score[i - 1]:.2f}</{tag}></small>"
