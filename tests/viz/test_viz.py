"""Figures are drawn and saved without a display."""

from pathlib import Path

import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import imread
from torch_geometric.data import Data

from pyg_grapheme.nn import ThresholdMergePool, ThresholdRewire, ThresholdSplit
from pyg_grapheme.text import MergedText
from pyg_grapheme.viz import (
    draw_clusters,
    draw_curves,
    draw_dendrogram,
    draw_merges,
    draw_morph,
    draw_partition,
)
from pyg_grapheme.viz.fonts import find_fonts


def test_merges_are_drawn_with_one_box_per_cluster(tmp_path: Path) -> None:
    # The last score is above the threshold, too; these two may not merge.
    text = MergedText(["a", "b", " ", "$"], [0, 0, 1, 2], [0.9, 0.1, 0.8], "ab")
    figure = draw_merges([text, text], threshold=0.5)
    (axes,) = figure.axes
    assert len(axes.patches) == 6
    assert [t.get_weight() for t in axes.texts if t.get_text() == "0.90"] == ["bold", "bold"]
    assert [t.get_weight() for t in axes.texts if t.get_text() == "0.80"] == ["normal", "normal"]
    assert "threshold 0.500; bold scores merge" in [t.get_text() for t in axes.texts]
    assert not axes.lines
    (axes,) = draw_merges([text._replace(grapheme=[0, 0, 0, 1])], threshold=0.5).axes
    assert len(axes.lines) == 2  # the second and the third unit continue a cluster
    figure.savefig(tmp_path / "merges.png")
    assert imread(tmp_path / "merges.png").std() > 0


def test_every_curve_is_a_line(tmp_path: Path) -> None:
    figure = draw_curves({"a": [1.0, 2.0], "b": [3.0]}, ylabel="loss", logarithmic=True)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    figure.savefig(tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").std() > 0


def test_a_dendrogram_has_a_bar_per_merge_and_a_line_at_the_threshold(tmp_path: Path) -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [1.0, 1.0]])
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
    batch = torch.tensor([0, 0, 0, 0, 1])
    dendrogram = ThresholdMergePool().dendrogram(x, edge_index, None, batch)
    figure = draw_dendrogram(dendrogram, list("abcd"), threshold=0.69)
    (axes,) = figure.axes
    *bars, line = axes.lines
    assert sorted(max(bar.get_xdata()) - min(bar.get_xdata()) for bar in bars) == [1, 1, 2]
    heights = sorted(min(bar.get_ydata()) for bar in bars)
    assert heights == pytest.approx(sorted(dendrogram.height.tolist()))
    assert list(line.get_ydata()) == [0.69, 0.69]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c", "d"]
    figure.savefig(tmp_path / "dendrogram.png")
    assert imread(tmp_path / "dendrogram.png").std() > 0
    alone = draw_dendrogram(dendrogram, ["e"], graph=1).axes[0]
    assert list(alone.lines) == []
    with pytest.raises(ValueError, match=r"'labels' .* 1 nodes of graph 1 \(got 5\)"):
        draw_dendrogram(dendrogram, list("abcde"), graph=1)


@pytest.mark.parametrize("positioned", [False, True])
def test_every_cluster_has_a_colour(positioned: bool, tmp_path: Path) -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [-1.0, 0.0]])
    edge_index = torch.tensor([[0, 1, 2, 3, 3, 1], [1, 2, 3, 4, 3, 0]])
    history = ThresholdMergePool(0.9)(x, edge_index).history
    assert history.cluster.tolist() == [0, 0, 1, 1, 2]
    position = torch.arange(10.0).view(5, 2) if positioned else None
    figure = draw_clusters(edge_index, history, position=position, labels=list("abcde"))
    (axes,) = figure.axes
    inside = [line for line in axes.lines if line.get_linewidth() > 2]
    assert len(inside) == 2
    assert len({line.get_color() for line in inside}) == 2
    assert len(axes.lines) - len(inside) == 4
    assert [text.get_text() for text in axes.texts] == list("abcde")
    if positioned:
        assert sorted(inside[0].get_xdata()) == [0, 2]
    figure.savefig(tmp_path / "clusters.png")
    assert imread(tmp_path / "clusters.png").std() > 0
    none = ThresholdMergePool()(x[:0], edge_index[:, :0]).history
    assert list(draw_clusters(edge_index[:, :0], none).axes[0].lines) == []


@pytest.mark.parametrize(
    ("unlabelled", "wrong"), [("ignore", [(1, 2)]), ("other", [(1, 2), (2, 4), (4, 5)])]
)
def test_edges_of_a_partition_are_right_split_or_wrong(
    unlabelled: str, wrong: list[tuple[int, int]], tmp_path: Path
) -> None:
    y, cluster = torch.tensor([0, 0, 1, 1, -1, -1]), torch.tensor([0, 0, 0, 1, 0, 0])
    edges = [(0, 1), (1, 2), (2, 3), (0, 3), (2, 4), (4, 5), (3, 5), (1, 1)]
    graph = Data(edge_index=torch.tensor(edges).T, y=y, num_nodes=6)
    graph.pos = torch.arange(6.0)[:, None].expand(6, 2)
    in_space = graph.clone()
    in_space.pos = torch.rand(6, 3)
    undirected = graph.clone()  # Both directions of an edge count once.
    undirected.edge_index = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1)
    unplaced = Data(edge_index=graph.edge_index, y=y, num_nodes=6)
    for placed in (graph, in_space, unplaced, undirected):
        figure = Figure()
        axes = figure.add_subplot()
        draw_partition(placed, cluster, axes, unlabelled=unlabelled, title="ours")
        *lines, labelled, others = axes.collections
        assert [group.get_label() for group in lines] == [
            "1 right join",
            "1 split",
            f"{len(wrong)} wrong merge{'s' * (len(wrong) > 1)}",
        ]
        figure.savefig(tmp_path / "partition.png")
        assert (len(labelled.get_offsets()), len(others.get_offsets())) == (4, 2)
        if placed is graph:
            drawn = [[tuple(line[:, 0]) for line in group.get_segments()] for group in lines]
            assert drawn == [[(0, 1)], [(2, 3)], wrong]
    with pytest.raises(ValueError, match="Expected 'unlabelled' to be one of"):
        draw_partition(graph, cluster, axes, unlabelled="noise")


def drawn_lines(axes: Axes) -> list[set[frozenset[tuple[float, ...]]]]:
    """Return the ends of the lines of each collection."""
    groups = [group for group in axes.collections if isinstance(group, LineCollection)]
    return [
        {frozenset(tuple(end) for end in line.round(3).tolist()) for line in group.get_segments()}
        for group in groups
    ]


def test_each_layer_of_a_chain_shows_what_it_changes(tmp_path: Path) -> None:
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]])
    edge_index = torch.tensor([[0, 1, 1, 2, 2, 3, 0], [1, 0, 2, 1, 3, 2, 0]])
    position = torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    split = ThresholdSplit(2, 0.5)(x, edge_index, node_score=torch.tensor([0.1, 0.9, 0.2, 0.3]))
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    rewired = ThresholdRewire(0.5, candidates="all")(features, split.edge_index)
    merged = ThresholdMergePool(0.5)(features, rewired.edge_index)
    figure = draw_morph(edge_index, [split, rewired, merged], position=position)
    first, second, third, fourth = figure.axes

    def pairs(*ends: tuple[int, int]) -> set[frozenset[tuple[float, ...]]]:
        return {frozenset({place[i], place[j]}) for i, j in ends}

    place = [tuple(row) for row in position.tolist()]
    parent = place[1]
    assert drawn_lines(first) == [pairs((0, 1), (1, 2), (2, 3))]
    assert first.get_title() == "input: 4 nodes"

    place = [tuple(row) for row in second.collections[-1].get_offsets().round(3).tolist()]
    assert [place[0], place[3], place[4]] == [(0, 0), (4, 4), (0, 4)]
    assert place[1] != place[2]
    assert [sum(pair) / 2 for pair in zip(place[1], place[2], strict=True)] == list(parent)
    bars = {frozenset({child, parent}) for child in place[1:3]}
    assert drawn_lines(second) == [pairs((0, 1), (0, 2), (1, 3), (2, 3), (3, 4)), bars]
    assert second.get_title() == "split: 1 node"

    kept, deleted, inserted = drawn_lines(third)
    assert kept == pairs((0, 1), (2, 3))
    assert deleted == pairs((0, 2), (1, 3), (3, 4))
    assert inserted == pairs((0, 4), (1, 4))
    legend = [text.get_text() for text in third.get_legend().get_texts()]
    assert legend == ["2 kept", "3 deleted", "2 inserted"]

    edges, bars, members, nodes = fourth.collections
    assert len(edges.get_segments()) == 0
    assert members.get_offsets().round(3).tolist() == list(map(list, place))
    centres = [torch.tensor([place[i] for i in group]).mean(0) for group in ([0, 1, 4], [2, 3])]
    torch.testing.assert_close(
        torch.tensor(nodes.get_offsets().tolist()), torch.stack(centres), atol=1e-3, rtol=0
    )
    a, b = nodes.get_facecolors()
    colours = [a, a, b, b, a]
    assert [line[0].round(3).tolist() for line in bars.get_segments()] == list(map(list, place))
    assert bars.get_colors().tolist() == [colour.tolist() for colour in colours]
    assert fourth.get_title() == "merged: 5 to 2 nodes"
    figure.savefig(tmp_path / "morph.png")
    assert imread(tmp_path / "morph.png").std() > 0


def test_layers_of_another_chain_are_refused_and_an_empty_graph_is_drawn(tmp_path: Path) -> None:
    x, edge_index = torch.rand(3, 2), torch.tensor([[0, 1], [1, 2]])
    split = ThresholdSplit(2, 0.5)(x, edge_index, node_score=torch.ones(3))
    with pytest.raises(ValueError, match=r"output 1 to be that of 6 nodes \(got 3\)"):
        draw_morph(edge_index, [split, split])
    with pytest.raises(ValueError, match=r"'outputs' to be those of one layer or more"):
        draw_morph(edge_index, [])
    none, layers = edge_index[:, :0], (ThresholdSplit(2), ThresholdRewire(), ThresholdMergePool())
    figure = draw_morph(none, [layer(x[:0], none) for layer in layers])
    assert all(lines == set() for axes in figure.axes for lines in drawn_lines(axes))
    figure.savefig(tmp_path / "empty.png")


def test_without_data_a_figure_is_empty() -> None:
    assert list(draw_merges([], 0.5).axes[0].patches) == []
    assert list(draw_curves({}, ylabel="loss").axes[0].lines) == []


def test_fonts_are_found_for_what_the_default_font_lacks() -> None:
    default, bundled = (
        set(get_font(findfont(family)).get_charmap()) for family in ("DejaVu Sans", "STIXGeneral")
    )
    lacking = chr(min(bundled - default))
    assert find_fonts("abc é") == ["sans-serif"]
    assert find_fonts("\U0010fffd") == ["sans-serif"]  # private use
    first, *others = find_fonts(f"a{lacking}b")
    assert first == "sans-serif"
    assert ord(lacking) in get_font(findfont(FontProperties(family=others[0]))).get_charmap()
    assert len(others) == 1
