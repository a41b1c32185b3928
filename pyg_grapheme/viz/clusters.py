"""Pictures of a graph and of what became one node in it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import networkx as nx
from matplotlib.figure import Figure
from torch import Tensor

from pyg_grapheme.nn.pool import MergeHistory
from pyg_grapheme.viz.merges import COLOURS


def draw_clusters(
    edge_index: Tensor,
    history: MergeHistory,
    *,
    position: Tensor | None = None,
    labels: Sequence[str] = (),
) -> Figure:
    """Draw a graph; what is merged lies on one patch of colour.

    Args:
        edge_index: [2, E], of the graph before the merge.
        history: Of the merge.
        position: [N, 2], where the nodes stand; by forces, as networkx works them out, if None.
        labels: Of the N nodes, or none.

    No display is needed; ``figure.savefig(path)`` writes the figure.
    """
    cluster = history.cluster.tolist()
    graph = nx.Graph()
    graph.add_nodes_from(range(len(cluster)))
    graph.add_edges_from((u, v) for u, v in edge_index.T.tolist() if u != v)
    place: Mapping[int, Sequence[float]] = (
        nx.spring_layout(graph, seed=0) if position is None else dict(enumerate(position.tolist()))
    )
    figure = Figure(figsize=(5, 4))
    axes = figure.add_subplot()
    axes.set_axis_off()
    size = Counter(cluster)
    colour = [COLOURS[k % len(COLOURS)] if size[k] > 1 else "0.85" for k in cluster]
    for u, v in graph.edges:
        xs, ys = zip(place[u], place[v], strict=True)
        if cluster[u] == cluster[v]:
            axes.plot(xs, ys, color=colour[u], linewidth=16, solid_capstyle="round", zorder=1)
        axes.plot(xs, ys, color="0.35", linewidth=0.8, zorder=2)
    if cluster:
        xs, ys = zip(*(place[i] for i in range(len(cluster))), strict=True)
        axes.scatter(xs, ys, s=230, c=colour, zorder=1.5)
        axes.scatter(xs, ys, s=14 if not labels else 120, c="0.15" if not labels else "1", zorder=3)
    for i, label in enumerate(labels):
        axes.text(place[i][0], place[i][1], label, ha="center", va="center", fontsize=8, zorder=4)
    figure.tight_layout()
    return figure
