"""Panel of a figure: a partition of the nodes of a graph beside the labels."""

from typing import get_args

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import coalesce

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.viz.layout import place_nodes

_STYLES = {
    "right join": {"colors": "0.7", "linewidths": 1.6},
    "split": {"colors": "#1f77b4", "linewidths": 1.4, "linestyles": (0, (3, 1.5))},
    "wrong merge": {"colors": "#d62728", "linewidths": 2.2},
}
"""Edges that are drawn, the last ones on top."""


def draw_partition(
    graph: Data,
    cluster: Tensor,
    axes: Axes,
    *,
    unlabelled: UnlabelledName = "ignore",
    title: str = "",
) -> None:
    """Draw the edges of a graph on which a partition and the labels say something.

    An edge whose ends share their cluster is a right join if they share their label too, else a
    wrong merge. An edge whose ends share their label alone is a split. The legend counts all
    three. Other edges are left out. Nodes without label are hollow.

    Args:
        graph: ``edge_index`` [2, E], ``y`` [N], -1 for nodes without label, and maybe ``pos``
            [N, 2]; without it, or in other dimensions, networkx computes a spring layout.
        cluster: [N], cluster of each node.
        axes: The panel.
        unlabelled: Whether the label -1 means that the label is not known ("ignore": edges of such
            nodes are left out) or that the node is a cluster of its own ("other").
        title: Title of the panel.
    """
    expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
    edge_index = coalesce(graph.edge_index.sort(dim=0).values)  # An undirected edge counts once.
    first, second = edge_index
    known = graph.y >= 0
    same_label = (graph.y[first] == graph.y[second]) & known[first]
    same_cluster = cluster[first] == cluster[second]
    counted = first != second
    if unlabelled == "ignore":
        counted = counted & known[first] & known[second]
    kinds = {
        "right join": same_cluster & same_label,
        "split": ~same_cluster & same_label,
        "wrong merge": same_cluster & ~same_label,
    }
    pos = graph.get("pos")
    pos = None if pos is None or pos.dim() != 2 or pos.size(1) != 2 else pos
    position = place_nodes(graph.edge_index, graph.num_nodes or 0, pos)
    for order, (kind, style) in enumerate(_STYLES.items()):
        ends = edge_index[:, kinds[kind] & counted].cpu()
        lines = list(position[ends.T].numpy())
        label = f"{len(lines)} {kind}{'s' * (len(lines) != 1)}"
        axes.add_collection(LineCollection(lines, label=label, zorder=1 + order / 10, **style))
    for nodes, colour in ((known, "black"), (~known, "none")):
        xs, ys = position[nodes.cpu()].T.numpy()
        axes.scatter(xs, ys, s=9, c=colour, edgecolors="black", linewidths=0.6, zorder=2)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=8)
