"""Pictures of a run: its curves and its merges."""

import io
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyg_grapheme.text import MergedText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CYCLE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
"""Colours of curves in matplotlib; the page replaces them by --c0 and so on of its style."""

Curves = Mapping[str, Sequence[float]]


_LOSSES = {
    "train/loss": "loss",
    "train/structural": "structural",
    "train/cross_entropy": "cross-entropy",
}
"""Labels of curves; a curve of zeros is not part of the loss and is left out."""


class Chart(NamedTuple):
    """One diagram of curves over the epochs.

    Attributes:
        name: Name of its file.
        ylabel: Label of the vertical axis.
        curves: Curves by their names in the legend.
        logarithmic: Whether the vertical axis is logarithmic.
    """

    name: str
    ylabel: str
    curves: Curves
    logarithmic: bool = False


def choose_charts(curves: Curves) -> list[Chart]:
    """Return the diagrams of the logged curves: losses, validation, threshold."""
    losses = {label: curves[name] for name, label in _LOSSES.items() if any(curves.get(name, ()))}
    shares = {
        name.removeprefix("val/").replace("_", " "): values
        for name, values in curves.items()
        if name == "val/exact_match" or (name.startswith("val/") and name.endswith("_rate"))
    }
    threshold = {name: curves[name] for name in ("threshold",) if name in curves}
    charts = [
        Chart("loss", "expected loss per text", losses, logarithmic=True),
        Chart("validation", "share of the validation set", shares),
        Chart("threshold", "threshold", threshold),
    ]
    return [chart for chart in charts if chart.curves]


def has_matplotlib() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_pictures(
    folder: Path, curves: Curves, merges: Sequence[MergedText], threshold: float
) -> bool:
    """Write ``loss.png``, ``threshold.png``, ``merges.png`` and so on, if matplotlib is installed.

    Returns:
        Whether matplotlib is installed.
    """
    if not has_matplotlib():
        return False
    from pyg_grapheme.viz import draw_merges

    for chart in choose_charts(curves):
        _draw(chart).savefig(folder / f"{chart.name}.png", dpi=120)
    draw_merges(merges, threshold).savefig(folder / "merges.png", dpi=150)
    return True


def _draw(chart: Chart) -> "Figure":
    from pyg_grapheme.viz import draw_curves

    return draw_curves(chart.curves, ylabel=chart.ylabel, logarithmic=chart.logarithmic)


def draw_svg(chart: Chart) -> str:
    """Draw a diagram as an ``<svg>`` element to stand in HTML; equal curves give equal bytes.

    Needs matplotlib. Black becomes the colour of the surrounding text, fonts and colours are those
    of the style sheet, and identifiers are unique to this diagram.
    """
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": chart.name, "svg.fonttype": "none"}):
        _draw(chart).savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    # A style sheet inside the element would apply to the whole page.
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font: (\d+)px [^;\"]+", r"font-size: \1px", svg)
    for i, colour in enumerate(_CYCLE):
        svg = svg.replace(colour, f"var(--c{i})")
    return svg.replace("#000000", "currentColor")
