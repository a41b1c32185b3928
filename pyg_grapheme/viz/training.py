"""Figure of the curves of a training run."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure


def draw_curves(
    curves: Mapping[str, Sequence[float]], *, ylabel: str, logarithmic: bool = False
) -> Figure:
    """Draw one line per curve, with one value per epoch."""
    figure = Figure(figsize=(6, 3.5))
    axes = figure.add_subplot()
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name, linewidth=1.5)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(frameon=False)
    figure.tight_layout()
    return figure
