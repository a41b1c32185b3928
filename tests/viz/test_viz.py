"""Pictures come out as files, without a display."""

from pathlib import Path

from matplotlib.image import imread

from pyg_grapheme.viz import MergedText, draw_curves, draw_merges


def test_merges_are_drawn_one_box_a_cluster(tmp_path: Path) -> None:
    text = MergedText(["a", "b", " ", "$"], [0, 0, 1, 2], [0.9, 0.1, 0.2], "ab")
    figure = draw_merges([text, text], threshold=0.5)
    (axes,) = figure.axes
    assert len(axes.patches) == 6
    assert [t.get_weight() for t in axes.texts if t.get_text() == "0.90"] == ["bold", "bold"]
    figure.savefig(tmp_path / "merges.png")
    assert imread(tmp_path / "merges.png").std() > 0


def test_curves_are_drawn_one_line_each(tmp_path: Path) -> None:
    figure = draw_curves({"a": [1.0, 2.0], "b": [3.0]}, ylabel="loss", logarithmic=True)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    figure.savefig(tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").std() > 0


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert list(draw_merges([], 0.5).axes[0].patches) == []
    assert list(draw_curves({}, ylabel="loss").axes[0].lines) == []
