"""Figures of a run."""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyg_grapheme.atomic_write import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CYCLE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
"""Colours of curves in matplotlib; the page replaces them by --c0 and so on of its style."""

Curves = Mapping[str, Sequence[float]]


_LOSSES = {
    "train/loss": "loss",
    "train/structural": "structural",
    "train/cross_entropy": "cross-entropy",
    "train/bce": "BCE",
    "train/baseline": "BCE of the baseline",
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
        if name.startswith("val/") and not name.endswith(("_distance", "loss"))
    }
    threshold = {name: curves[name] for name in ("threshold",) if name in curves}
    charts = [
        Chart("loss", "expected loss per example", losses, logarithmic=True),
        Chart("validation", "share of the validation set", shares),
        Chart("threshold", "threshold", threshold),
    ]
    return [chart for chart in charts if chart.curves]


def has_matplotlib() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_charts(folder: Path, curves: Curves) -> None:
    """Write ``loss.png``, ``threshold.png`` and so on; needs matplotlib."""
    for chart in choose_charts(curves):
        write_picture(draw_chart(chart), folder / f"{chart.name}.png")


def draw_chart(chart: Chart) -> "Figure":
    """Draw a diagram; needs matplotlib."""
    from pyg_grapheme.viz import draw_curves

    return draw_curves(chart.curves, ylabel=chart.ylabel, logarithmic=chart.logarithmic)


def write_picture(figure: "Figure", path: Path, dpi: int = 120) -> None:
    """Write a figure as PNG; the file is complete or absent."""
    with atomic_path(path) as part:
        figure.savefig(part, dpi=dpi, format="png")


def show_figure(figure: "Figure", name: str, caption: str) -> str:
    """Return a figure as HTML, with a caption; the name makes its identifiers unique."""
    caption = escape(caption)
    named = f'<svg role="img" aria-label="{caption}" '
    svg = draw_svg(figure, name).replace("<svg ", named, 1)
    return f"<figure>\n{svg}\n<figcaption>{caption}</figcaption>\n</figure>\n"


def draw_svg(figure: "Figure", name: str) -> str:
    """Return a figure as an ``<svg>`` element to stand in HTML; equal figures give equal bytes.

    Black becomes the colour of the surrounding text, fonts and colours are those of the style
    sheet, and the name makes identifiers unique.
    """
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    # A style sheet inside the element would apply to the whole page.
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font: (\d+)px [^;\"]+", r"font-size: \1px", svg)
    svg = re.sub(r" ?font-family: [^;\"]+;?", "", svg)
    for i, colour in enumerate(_CYCLE):
        svg = svg.replace(colour, f"var(--c{i})")
    return svg.replace("#000000", "currentColor")
