"""Figure of a graph, and of what a chain of layers makes of it."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.nn import PoolOutput, RewireOutput, SplitOutput
from pyg_grapheme.viz.layout import place_nodes
from pyg_grapheme.viz.merges import COLOURS

Output: TypeAlias = SplitOutput | RewireOutput | PoolOutput
Pairs: TypeAlias = set[tuple[int, int]]

_STYLES = {
    "kept": {"colors": "0.6", "linewidths": 1.0},
    "deleted": {"colors": "0.6", "linewidths": 1.0, "linestyles": (0, (2, 2))},
    "inserted": {"colors": "#d62728", "linewidths": 1.8},
}
"""Edges that are drawn, the last ones on top."""


def draw_morph(
    edge_index: Tensor, outputs: Sequence[Output], *, position: Tensor | None = None
) -> Figure:
    """Draw a graph, and beside it the output of each of a chain of layers.

    After a split, a bar in a colour per parent joins its two children. After rewiring, deleted
    edges are dashed and inserted ones red. After a merge, bars in a colour per cluster lead from
    its node to its former members, which are hollow; clusters of one node have none. Colours
    repeat. Nodes keep their places from panel to panel: children lie beside the place of their
    parent, merged nodes in the middle of their members. The figure shows neither directions of
    edges nor self-loops; an edge is deleted if none is left in either direction.

    Args:
        edge_index: [2, E], edges of the input of the first layer.
        outputs: Output of each layer, whose input was the output of the one before.
        position: [N, 2], coordinates of the input nodes; by default, networkx computes a spring
            layout.

    Raises:
        ValueError: if there are no outputs, or one does not follow from that before it.
    """
    if not outputs:
        raise ValueError("Expected 'outputs' to be those of one layer or more (got none)")
    num_nodes = _num_inputs(outputs[0])
    places = place_nodes(edge_index, num_nodes, position).float()
    extent = float((places.amax(0) - places.amin(0)).amax()) if num_nodes > 1 else 0.0
    gap = 0.2 * (extent or 1.0) / max(num_nodes, 1) ** 0.5
    figure = Figure(figsize=(3.2 * (1 + len(outputs)), 3.4))
    first, *panels = figure.subplots(1, 1 + len(outputs), squeeze=False)[0]
    before = _pairs(edge_index)
    _draw_edges(first, places, {"kept": before})
    _finish(first, places, ["black"] * num_nodes, f"input: {num_nodes} nodes")
    for index, (axes, output) in enumerate(zip(panels, outputs, strict=True)):
        if _num_inputs(output) != places.size(0):
            raise ValueError(
                f"Expected 'outputs' to follow each other, and output {index} to be that of "
                f"{places.size(0)} nodes (got {_num_inputs(output)})"
            )
        after = _pairs(output.edge_index)
        if isinstance(output, RewireOutput):
            _draw_rewired(axes, places, before, after)
        elif isinstance(output, SplitOutput):
            places = _draw_split(axes, places, after, output.history.parent.cpu(), gap)
            gap /= 2  # a child that splits again lies beside its sibling's place, not on it
        else:
            places = _draw_merged(axes, places, after, output.history.cluster.cpu())
        before = after
    figure.tight_layout()
    return figure


def _num_inputs(output: Output) -> int:
    if isinstance(output, PoolOutput):
        return output.history.cluster.numel()
    return output.history.num_nodes


def _pairs(edge_index: Tensor) -> Pairs:
    return {(min(edge), max(edge)) for edge in edge_index.T.tolist() if edge[0] != edge[1]}


def _draw_rewired(axes: Axes, places: Tensor, before: Pairs, after: Pairs) -> None:
    edges = {"kept": before & after, "deleted": before - after, "inserted": after - before}
    _draw_edges(axes, places, edges)
    _finish(axes, places, ["black"] * places.size(0), "rewired")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=8)


def _draw_split(axes: Axes, parents: Tensor, edges: Pairs, parent: Tensor, gap: float) -> Tensor:
    """Draw the children, and return their places."""
    shift = torch.zeros(parent.numel(), 1)
    shift[:-1][parent[:-1] == parent[1:]] = -gap
    shift[1:][parent[:-1] == parent[1:]] = gap
    children = parents[parent] + shift * torch.tensor([0.8, 0.6])
    _draw_edges(axes, children, {"kept": edges})
    colour = _draw_bars(axes, children, parents, parent)
    split = parents.size(0) - colour.count("black")
    _finish(axes, children, [colour[i] for i in parent], f"split: {split} node{'s' * (split != 1)}")
    return children


def _draw_merged(axes: Axes, members: Tensor, edges: Pairs, cluster: Tensor) -> Tensor:
    """Draw the merged nodes and their members, and return the places of the former."""
    count = int(cluster.max()) + 1 if cluster.numel() else 0
    merged: Tensor = scatter(members, cluster, dim_size=count, reduce="mean")
    _draw_edges(axes, merged, {"kept": edges})
    colour = _draw_bars(axes, members, merged, cluster)
    xs, ys = members.T.numpy()
    axes.scatter(xs, ys, s=9, c="white", edgecolors="0.5", linewidths=0.6, zorder=3)
    _finish(axes, merged, colour, f"merged: {members.size(0)} to {count} nodes")
    return merged


def _draw_bars(axes: Axes, ends: Tensor, centres: Tensor, centre: Tensor) -> list[str]:
    """Draw bars to the ends of every centre of several, and return the colour of each centre."""
    has_bars = centre.bincount(minlength=centres.size(0)) > 1
    index = (has_bars.cumsum(0) - 1) % len(COLOURS)
    pairs = zip(index.tolist(), has_bars.tolist(), strict=True)
    colour = [COLOURS[i] if several else "black" for i, several in pairs]
    drawn = has_bars[centre]
    lines = torch.stack([ends, centres[centre]], dim=1)[drawn]
    colours = [colour[i] for i in centre[drawn]]
    axes.add_collection(
        LineCollection(
            list(lines.numpy()), colors=colours, linewidths=5, capstyle="round", zorder=2
        )
    )
    return colour


def _draw_edges(axes: Axes, places: Tensor, edges: dict[str, Pairs]) -> None:
    for order, (kind, pairs) in enumerate(edges.items()):
        lines = list(places[torch.tensor(sorted(pairs), dtype=torch.long).view(-1, 2)].numpy())
        label = f"{len(lines)} {kind}"
        zorder = 1 + order / 10
        axes.add_collection(LineCollection(lines, label=label, zorder=zorder, **_STYLES[kind]))


def _finish(axes: Axes, places: Tensor, colours: Sequence[str], title: str) -> None:
    xs, ys = places.T.numpy()
    axes.scatter(xs, ys, s=26, c=colours, edgecolors="black", linewidths=0.6, zorder=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10)
