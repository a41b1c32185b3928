"""Draw the pictures of the page on how the layers work.

python docs/draw_pictures.py
"""

from itertools import pairwise
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram
from pyg_grapheme.viz.merges import COLOURS

FOLDER = Path(__file__).parent
EDGE_INDEX = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
SCORE = torch.tensor([0.9, 0.2, 0.7, 0.5])


def draw_filtration(tree: Dendrogram) -> Figure:
    """Draw the dendrogram of a chain, and its cuts row by row."""
    figure = Figure(figsize=(7, 3.2))
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    top = {i: (float(i), 1.0) for i in range(5)}
    for (u, v), height in zip(tree.pairs.T.tolist(), tree.height.tolist(), strict=True):
        (a, y), (b, z) = top[u], top[v]
        left.plot([a, a, b, b], [y, height, height, z], color="#1d6996")
        merged = {i for i in top if top[i] in (top[u], top[v])}
        top.update(dict.fromkeys(merged, ((a + b) / 2, height)))
    left.set(ylim=(1.02, 0), xticks=range(5), xticklabels="abcde", ylabel="score")
    left.spines[["top", "right", "bottom"]].set_visible(False)
    heights = [1.0, *tree.step_height.tolist(), 0.0]
    for row, (high, low) in enumerate(pairwise(heights)):
        cluster = tree.cut((high + low) / 2).tolist()
        for i in range(4):
            same = cluster[i] == cluster[i + 1]
            colour = COLOURS[cluster[i]] if same else "0.6"
            right.plot([i, i + 1], [row, row], color=colour, linewidth=12 if same else 1, zorder=1)
        colours = [COLOURS[k] if cluster.count(k) > 1 else "0.85" for k in cluster]
        right.scatter(range(5), [row] * 5, s=190, c=colours, zorder=2)
        for i, name in enumerate("abcde"):
            right.text(i, row, name, ha="center", va="center", zorder=3)
        right.text(4.6, row, f"{low:.1f} to {high:.1f}", va="center")
    right.text(4.6, -0.8, "threshold", va="center")
    right.set(xlim=(-0.5, 6.4), ylim=(4.6, -1.1))
    right.set_axis_off()
    figure.tight_layout()
    return figure


def draw_probabilities(tree: Dendrogram) -> Figure:
    """Draw the probability of each cut against the threshold, at two temperatures."""
    figure = Figure(figsize=(7, 2.8))
    threshold = torch.linspace(0, 1, 201)
    for axes, temperature in zip(figure.subplots(1, 2, sharey=True), (0.1, 0.02), strict=True):
        rows = [_probability(tree, tau, temperature) for tau in threshold]
        for steps, curve in enumerate(torch.stack(rows).T):
            axes.plot(threshold, curve, color=COLOURS[steps], label=f"{steps} merges")
        axes.set(xlabel="threshold", title=f"temperature {temperature}")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("probability")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


def _probability(tree: Dendrogram, threshold: Tensor, temperature: float) -> Tensor:
    return tree._replace(threshold=threshold, temperature=temperature).probability


def main() -> None:
    """Write both pictures beside this file."""
    pool = ThresholdMergePool()
    tree = pool.dendrogram(torch.zeros(5, 1), EDGE_INDEX, edge_score=SCORE)
    with torch.no_grad():
        draw_filtration(tree).savefig(FOLDER / "filtration.png", dpi=110)
        figure = draw_probabilities(tree)
        figure.set_layout_engine("constrained")
        figure.savefig(FOLDER / "probabilities.png", dpi=110)


if __name__ == "__main__":
    main()
