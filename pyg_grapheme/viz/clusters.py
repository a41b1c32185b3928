"""Figure of the clusters of a graph."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from pyg_grapheme.nn.pool import MergeHistory
from pyg_grapheme.viz.layout import place_nodes
from pyg_grapheme.viz.merges import COLOURS


def draw_clusters(
    edge_index: Tensor,
    history: MergeHistory,
    *,
    position: Tensor | None = None,
    labels: Sequence[str] = (),
) -> Figure:
    """Draw a graph with one colour per cluster of several nodes.

    Args:
        edge_index: [2, E], edges of the graph before the merge.
        history: History of the merge.
        position: [N, 2], coordinates of the nodes; by default, networkx computes a spring layout.
        labels: Labels of the N nodes, or none.
    """
    cluster = history.cluster.tolist()
    coordinates = place_nodes(edge_index, len(cluster), position).tolist()
    figure = Figure(figsize=(5, 4))
    axes = figure.add_subplot()
    axes.set_axis_off()
    size = Counter(cluster)
    colour = [COLOURS[k % len(COLOURS)] if size[k] > 1 else "0.85" for k in cluster]
    for u, v in {(min(e), max(e)) for e in edge_index.T.tolist() if e[0] != e[1]}:
        xs, ys = zip(coordinates[u], coordinates[v], strict=True)
        if cluster[u] == cluster[v]:
            axes.plot(xs, ys, color=colour[u], linewidth=16, solid_capstyle="round", zorder=1)
        axes.plot(xs, ys, color="0.35", linewidth=0.8, zorder=2)
    if cluster:
        xs, ys = zip(*coordinates, strict=True)
        axes.scatter(xs, ys, s=230, c=colour, zorder=1.5)
        axes.scatter(xs, ys, s=14 if not labels else 120, c="0.15" if not labels else "1", zorder=3)
    for i, label in enumerate(labels):
        axes.text(
            coordinates[i][0],
            coordinates[i][1],
            label,
            ha="center",
            va="center",
            fontsize=8,
            zorder=4,
        )
    figure.tight_layout()
    return figure
