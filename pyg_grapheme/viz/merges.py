"""Figure of the merges in texts."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from pyg_grapheme.viz.fonts import find_fonts

if TYPE_CHECKING:
    from pyg_grapheme.text import MergedText

COLOURS = ("#8ecae6", "#ffb703", "#95d5b2", "#f4a3a8", "#c8b6ff", "#e9c46a")
_ROW = 1.75
"""Distance of two rows, in widths of a unit."""
_INCHES = 0.42
"""Width of a unit in inches."""


def draw_merges(texts: "Sequence[MergedText]", threshold: float | None) -> Figure:
    """Draw one text per row: a box per cluster, and the score between neighbours.

    Scores of neighbours that are merged are bold. Units of one grapheme cluster have a line below
    them. Units stand in the order of the text, left to right in every script.

    Args:
        texts: The texts.
        threshold: Is written above them; None if the model merges nothing.
    """
    longest = max((len(text.units) for text in texts), default=1)
    left, right = -0.7, max(longest - 0.3, 8.0)
    bottom, top = -_ROW * max(len(texts) - 1, 0) - 1.1, 1.0
    figure = Figure(figsize=(_INCHES * (right - left), _INCHES * (top - bottom)))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    fonts = find_fonts("".join("".join(text.units) + text.rewritten for text in texts))
    for row, text in enumerate(texts):
        _draw_text(axes, -row * _ROW, text, fonts)
    if threshold is not None:
        axes.text(-0.4, 0.65, f"threshold {threshold:.3f}; bold scores merge", fontsize=8)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.axis("off")
    return figure


def _draw_text(axes: Axes, y: float, text: "MergedText", fonts: list[str]) -> None:
    start = 0
    n = len(text.units)
    for i in range(1, n + 1):
        if i == n or text.cluster[i] != text.cluster[start]:
            colour = to_hex(COLOURS[text.cluster[start] % len(COLOURS)])
            box = FancyBboxPatch(
                (start - 0.32, y - 0.3),
                i - 1 - start + 0.64,
                0.6,
                boxstyle="round,pad=0.08",
                facecolor=colour,
                edgecolor="none",
            )
            axes.add_patch(box)
            start = i
    for i, unit in enumerate(text.units):
        shown = "␣" if unit.isspace() else unit
        axes.text(
            i,
            y,
            shown,
            ha="center",
            va="center",
            fontsize=11,
            fontfamily=fonts,
            parse_math=False,
        )
    for i in range(1, len(text.grapheme)):
        if text.grapheme[i] == text.grapheme[i - 1]:
            axes.plot([i - 1.2, i + 0.2], [y - 0.3, y - 0.3], color="0.2", linewidth=1.0)
    for i, score in enumerate(text.score):
        weight = "bold" if text.cluster[i] == text.cluster[i + 1] else "normal"
        axes.text(i + 0.5, y - 0.58, f"{score:.2f}", ha="center", fontsize=5, weight=weight)
    # The mark keeps the arrow on the left of a text in a script that is written right to left.
    rewritten = textwrap.shorten(f"\u200e→ {text.rewritten}", 80, placeholder="…")
    axes.text(
        -0.4, y - 0.95, rewritten, fontsize=7, color="0.35", fontfamily=fonts, parse_math=False
    )
