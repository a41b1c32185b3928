"""Pictures of a run: its curves, and what was merged."""

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
"""What matplotlib draws curves in; on the page, --c0 and so on of its style take their place."""

Curves = Mapping[str, Sequence[float]]


_LOSSES = {
    "train/loss": "loss",
    "train/structural": "structural",
    "train/cross_entropy": "cross-entropy",
}
"""What curves are called; one that is zero throughout is not part of the loss."""


class Chart(NamedTuple):
    """One diagram of curves over the epochs.

    Attributes:
        name: Of its file.
        ylabel: What its values are.
        curves: By the names that the legend shows.
        logarithmic: Whether its values are.
    """

    name: str
    ylabel: str
    curves: Curves
    logarithmic: bool = False


def choose_charts(curves: Curves) -> list[Chart]:
    """Say which diagrams show what was logged: losses, validation, threshold."""
    losses = {label: curves[name] for name, label in _LOSSES.items() if any(curves.get(name, ()))}
    shares = {
        name.removeprefix("val/").replace("_", " "): values
        for name, values in curves.items()
        if name == "val/exact_match" or (name.startswith("val/") and name.endswith("_rate"))
    }
    threshold = {name: curves[name] for name in ("threshold",) if name in curves}
    charts = [
        Chart("loss", "expected loss a text", losses, logarithmic=True),
        Chart("validation", "share of the validation set", shares),
        Chart("threshold", "threshold", threshold),
    ]
    return [chart for chart in charts if chart.curves]


def has_matplotlib() -> bool:
    """Whether pictures can be drawn."""
    return find_spec("matplotlib") is not None


def write_pictures(
    folder: Path, curves: Curves, merges: Sequence[MergedText], threshold: float
) -> bool:
    """Write ``loss.png``, ``threshold.png``, ``merges.png`` and so on, if matplotlib is there.

    Returns:
        Whether it is.
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

    Needs matplotlib. Its black becomes the colour of the text around it, its fonts are the page's,
    its colours those of the style sheet, and its identifiers are this diagram's alone.
    """
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": chart.name, "svg.fonttype": "none"}):
        _draw(chart).savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    # A style sheet within would hold for the whole page.
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font: (\d+)px [^;\"]+", r"font-size: \1px", svg)
    for i, colour in enumerate(_CYCLE):
        svg = svg.replace(colour, f"var(--c{i})")
    return svg.replace("#000000", "currentColor")
