"""The page that a run leaves behind."""

import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rapidfuzz.distance import Levenshtein

from lightning_modules import fit
from lightning_modules.report.confusions import Repair, count_confusions, find_repairs
from lightning_modules.report.data import ReportData
from lightning_modules.report.figures import choose_charts, show_figure
from lightning_modules.report.html_text import show_difference, show_unit, show_units
from lightning_modules.report.page import render_report, write_report
from lightning_modules.report.ranking import rank_mistakes
from lightning_modules.report.text_report import list_lines
from lightning_modules.report.text_results import Line, TextResults
from lightning_modules.report.text_sections import text_sections
from pyg_grapheme.text import Example, MergedText, TextUnits, split_graphemes

SECTIONS = ["results", "curves", "merges", "confusions", "mistakes", "configuration"]
VOID = {"meta", "wbr", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Reads a page; fails where tags are not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without its beginning"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def expect_self_contained(html: str) -> None:
    """Nothing is fetched: no address but the names of XML's languages, no source, no script."""
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    assert not re.search(r"https?://", without_names)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    tags = Page(html).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "img", "object"}
    for _, attributes in tags:
        target = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert target.startswith("#")


def line(prediction: str, target: str, source: str = "x", tags: tuple[str, ...] = ()) -> Line:
    source_units, *rest = (tuple(split_graphemes(text)) for text in (source, prediction, target))
    return Line(source_units, rest[0], rest[1], tags)


@pytest.fixture
def data() -> ReportData:
    """A report with all there is to it, among it what HTML must not take for its own."""
    lines = [
        line("<b>x", "<b>y", "a & <script>", ("V", "A<B")),
        line("שלו", "שלום"),
        line("", "\u202e \x07"),
        line("same", "same"),
    ]
    scores = {"examples": 4, "exact_match": 0.25, "unit_error_rate": None, "edit_distance": 1.5}
    return ReportData(
        title="one <i>& two",
        facts={"date": "2025-01-02", "versions": "torch <2>"},
        scores={"train": scores, "unseen": scores},
        curves={
            "train/loss": [8.0, 4.0, 2.0],
            "val/exact_match": [math.nan, 0.25, 0.5],
            "threshold": [0.7, 0.6, 0.65],
        },
        sections=text_sections(
            TextResults(
                {"train": lines[3:], "unseen": lines},
                [MergedText(["i", "\x07", "<"], [0, 0, 1], [0.91, 0.12], "<ing>")],
                threshold=0.65,
            )
        ),
        config="name: <run>\n",
    )


def test_repairs_are_counted_as_by_hand() -> None:
    pairs = [
        ("hoping", "hopping"),  # a p is inserted
        ("hopeing", "hoping"),  # an e is deleted
        ("schon", "schön"),  # ö for o
        ("tot", "töt"),  # ö for o
        ("right", "right"),
    ]
    counted = count_confusions(pairs)
    assert counted[0] == (Repair("o", "ö"), 2, 2)
    assert set(counted[1:]) == {(Repair(None, "p"), 1, 0), (Repair("e", None), 1, 1)}


def test_repairs_are_of_units_not_of_characters() -> None:
    assert find_repairs(["tʃ", "a"], ["dʒ", "a"]) == [Repair("tʃ", "dʒ")]


def test_the_counts_sum_to_the_edit_distances() -> None:
    pairs = [("kitten", "sitting"), ("", "abc"), ("saturday", "sunday"), ("abc", "")]
    # 3, 3, 3, 3: the textbooks' examples, and what is all inserted or all deleted.
    assert sum(confusion.times for confusion in count_confusions(pairs)) == 12


def test_the_worst_predictions_come_first() -> None:
    lines = [line("a", "a"), line("abcd", "abcx"), line("a", "x"), line("", "xyz"), line("b", "x")]
    ranked = rank_mistakes(lines)
    assert ranked == [(3, lines[3]), (1, lines[2]), (1, lines[4]), (1, lines[1])]


def test_everything_can_be_seen() -> None:
    assert show_units(["<", "&", '"']) == "&lt;&amp;&quot;"
    assert show_units(["a", " ", "b"]) == 'a<i class="sign">·</i><wbr>b'
    assert show_unit("\u202e") == '<i class="sign">U+202E</i>'
    assert show_unit("\r\n") == '<i class="sign">U+000D</i><i class="sign">⏎</i><wbr>'
    assert show_unit("\u0301") == "◌\u0301"


def test_a_family_stays_together() -> None:
    family = "👨\u200d👩\u200d👧"
    assert show_unit(family) == family
    assert show_unit("a\u200d") == 'a<i class="sign">U+200D</i>'
    # Nothing stands before a mark behind a name but the name.
    assert show_unit("क\u200dि") == 'क<i class="sign">U+200D</i>◌ि'
    assert show_unit(" \u0301") == '<i class="sign">·</i><wbr>◌\u0301'


def test_differences_are_marked_on_both_sides() -> None:
    assert show_difference("schon", "schöne") == (
        "sch<del>o</del>n",
        "sch<ins>ö</ins>n<ins>e</ins>",
    )
    apart = show_difference(["t", "o"], ["t", "ɔ"], gap=" ")
    assert apart == ("t <del>o</del>", "t <ins>ɔ</ins>")


def test_the_page_is_whole_and_needs_nothing_else(data: ReportData) -> None:
    html = render_report(data)
    expect_self_contained(html)
    page = Page(html)
    assert ("html", {"lang": "en"}) in page.tags
    assert [i for i in page.ids() if i in SECTIONS] == SECTIONS
    assert len(set(page.ids())) == len(page.ids())
    links = {a["href"] for tag, a in page.tags if tag in ("a", "use") and "href" in a}
    assert {f"#{section}" for section in SECTIONS} <= links
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert tables == ["table", "caption"] * (len(tables) // 2)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    drawn = [a for tag, a in page.tags if tag == "svg"]
    assert len(drawn) == 3
    assert all(a["role"] == "img" and a["aria-label"] for a in drawn)


def test_what_is_written_is_what_is_read(data: ReportData) -> None:
    html = render_report(data)
    text = Page(html).text
    for said in ("one <i>& two", "torch <2>", "A<B", "name: <run>", "<ing>", "<b>"):
        assert said in text, said
    assert "<script" not in html
    # Neither may reverse or ring what stands around it.
    assert "\u202e" not in html
    assert "\x07" not in html


def test_all_scores_are_there_by_name(data: ReportData) -> None:
    text = Page(render_report(data)).text
    for said in ("unit error rate", "edit distance", "exact match", "25.00 %", "1.500", "–"):
        assert said in text, said


def test_what_was_not_learned_from_comes_first(data: ReportData) -> None:
    html = render_report(data)
    assert html.index("unseen: 3 wrong predictions") < html.index("train: all 1 predictions")


def test_equal_data_give_equal_bytes(data: ReportData, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_report(tmp_path / name, data)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_curves_are_chosen_by_what_was_logged() -> None:
    charts = choose_charts(
        {
            "train/loss": [2.0, 1.0],
            "train/structural": [0.0, 0.0],
            "train/coarsening_ratio": [0.5, 0.5],
            "val/exact_match": [0.1, 0.2],
            "val/pair_f1": [0.1, 0.2],
            "val/edit_distance": [3.0, 2.0],
        }
    )
    assert [(chart.name, list(chart.curves)) for chart in charts] == [
        ("loss", ["loss"]),
        ("validation", ["exact match", "pair f1"]),
    ]


def test_without_matplotlib_there_is_a_page_without_diagrams(
    data: ReportData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = Page(render_report(data))
    assert "matplotlib is not installed" in page.text
    assert "svg" not in {tag for tag, _ in page.tags}
    assert [i for i in page.ids() if i in SECTIONS] == SECTIONS


def test_a_figure_of_a_task_is_part_of_the_page() -> None:
    figure = Figure()
    figure.text(0, 0, "drawn")
    figures = {"Clusters": show_figure(figure, "clusters", "wrong <merges>")}
    html = render_report(ReportData("clusters", {}, {}, sections=figures))
    expect_self_contained(html)
    page = Page(html)
    assert page.ids()[0] == "clusters"
    assert [a["aria-label"] for tag, a in page.tags if tag == "svg"] == ["wrong <merges>"]
    assert page.text.count("wrong <merges>") == page.text.count("drawn") == 1
    # Fonts are those of the page.
    assert "DejaVu" not in html


def test_what_is_not_known_gets_no_section() -> None:
    sections = text_sections(TextResults({"test": [line("a", "b")]}))
    html = render_report(ReportData("scores", {}, {"test": {"examples": 1}}, sections=sections))
    expect_self_contained(html)
    assert Page(html).ids() == ["results", "confusions", "mistakes"]


def test_long_lists_say_what_they_leave_out() -> None:
    lines = [line(chr(0x4E00 + i), "x") for i in range(60)]
    text = Page("".join(text_sections(TextResults({"test": lines})).values())).text
    assert "20 of 60 kinds of repair, 60 in all" in text
    assert "50 of 60 wrong predictions" in text


def test_a_run_leaves_its_page(run_folder: Path) -> None:
    html = (run_folder / "report.html").read_text(encoding="utf-8")
    expect_self_contained(html)
    page = Page(html)
    assert [i for i in page.ids() if i in SECTIONS] == SECTIONS
    assert "kindergarten, version_0" in page.text
    assert "2 epochs in" in page.text
    assert (run_folder / "config.yaml").read_text() in page.text
    distances = sum(
        Levenshtein.distance(*row.split("\t")[1:3])
        for row in (run_folder / "predictions.tsv").read_text().splitlines()[1:]
    )
    totals = re.findall(r"kinds of repair, (\d+) in all", page.text)
    assert sum(map(int, totals)) == distances


def test_a_run_that_validates_shows_how_it_went(short_run: list[str], tmp_path: Path) -> None:
    fit.main(
        [
            *short_run,
            "--data.val=bundled:kindergarten_unseen.jsonl",
            "--trainer.max_epochs=3",
            "--trainer.check_val_every_n_epoch=2",
            f"--output={tmp_path}",
        ]
    )
    folder = tmp_path / "kindergarten" / "version_0"
    assert (folder / "validation.png").is_file()
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    drawn = [a["aria-label"] or "" for tag, a in page.tags if tag == "svg"]
    # Two epochs of three had been validated by their end: a line of 0 by a model so small.
    assert ["exact match 0 → 0" in said for said in drawn] == [False, True, False]


def test_tables_show_composed_texts_whatever_the_nodes_are() -> None:
    decomposed = TextUnits("codepoints", "NFD")
    (line,) = list_lines([Example("e\u0302\u0323s", "각")], ["각"], decomposed, decomposed)
    assert line == Line(("ệ", "s"), ("각",), ("각",))
    (line,) = list_lines([Example("ab", "a b")], ["b c"], TextUnits(), TextUnits("whitespace"))
    assert line == Line(("a", "b"), ("b", "c"), ("a", "b"))
