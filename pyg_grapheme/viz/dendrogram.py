"""Figure of a dendrogram."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pyg_grapheme.nn.pool import Dendrogram


class _Tree(NamedTuple):
    """A cluster: its leaves from left to right, its two children if any, and its height."""

    leaves: tuple[int, ...]
    children: tuple["_Tree", ...]
    height: float


def draw_dendrogram(
    dendrogram: Dendrogram,
    labels: Sequence[str],
    *,
    graph: int = 0,
    threshold: float | None = None,
) -> Figure:
    """Draw the merges of one graph, and the threshold as a line.

    Leaves are at the bottom; a bar joins two clusters at the score at which they merge. A tree
    below the line is one node of the pooled graph.

    Args:
        dendrogram: Dendrogram of a batch.
        labels: Labels of the n nodes of the graph.
        graph: Index of the graph in the batch.
        threshold: Position of the line, or None for no line.
    """
    mine = dendrogram.graph == graph
    start, size = (
        int(part.sum()) for part in (dendrogram.batch < graph, dendrogram.batch == graph)
    )
    if len(labels) != size:
        raise ValueError(
            f"Expected 'labels' to have one label for each of the {size} nodes of graph {graph} "
            f"(got {len(labels)})"
        )
    pairs = (dendrogram.pairs[:, mine] - start).T.tolist()
    heights = dendrogram.height.detach()[mine].tolist()
    trees = _build_trees(pairs, heights, len(labels))
    figure = Figure(figsize=(max(4.0, 0.3 * len(labels) + 1.2), 3.2))
    axes = figure.add_subplot()
    order = [leaf for tree in trees for leaf in tree.leaves]
    column = {leaf: float(x) for x, leaf in enumerate(order)}
    bottom = max([1.0, *heights])
    for tree in trees:
        _draw_tree(axes, tree, column, bottom, threshold)
    if threshold is not None:
        axes.axhline(threshold, color="#d62828", linestyle="--", linewidth=1)
    axes.set_xticks(range(len(order)), [labels[leaf] for leaf in order], parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, max(len(order) - 0.4, 0.6))
    lowest = min([0.0, *heights] if threshold is None else [0.0, threshold, *heights])
    axes.set_ylim(bottom + 0.02, lowest - 0.08)
    axes.set_ylabel("score")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.tight_layout()
    return figure


def _build_trees(pairs: list[list[int]], heights: list[float], num_leaves: int) -> list[_Tree]:
    """Merge clusters pair by pair, best first; return the trees, ordered by first leaf."""
    tree_of = {leaf: _Tree((leaf,), (), 1.0) for leaf in range(num_leaves)}
    for (left, right), height in zip(pairs, heights, strict=True):
        children = sorted((tree_of[left], tree_of[right]), key=lambda tree: tree.leaves[0])
        leaves = children[0].leaves + children[1].leaves
        merged = _Tree(leaves, tuple(children), height)
        tree_of.update(dict.fromkeys(leaves, merged))
    unique = {tree.leaves: tree for tree in tree_of.values()}
    return [unique[leaves] for leaves in sorted(unique)]


def _draw_tree(
    axes: Axes, tree: _Tree, column: dict[int, float], bottom: float, threshold: float | None
) -> float:
    """Draw a tree and return the centre of its bar."""
    if not tree.children:
        return column[tree.leaves[0]]
    xs = [_draw_tree(axes, child, column, bottom, threshold) for child in tree.children]
    ys = [child.height if child.children else bottom for child in tree.children]
    merged = threshold is not None and tree.height > threshold
    axes.plot(
        [xs[0], xs[0], xs[1], xs[1]],
        [ys[0], tree.height, tree.height, ys[1]],
        color="#1d6996" if merged else "0.6",
        linewidth=1.4,
    )
    return sum(xs) / 2
