"""The tables of the transduction benchmark."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.transduction import published
from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import INFLECTION_LANGUAGES, Cell, list_cells
from benchmarks.transduction.overrides import fit_options
from benchmarks.transduction.records import Record, Stems
from benchmarks.transduction.report import LANGUAGES_OF, Records
from benchmarks.transduction.report import report as report_parts
from benchmarks.transduction.speed import epoch_table
from benchmarks.transduction.stems import Segmented, compare_boundaries

RESULTS = Path(__file__).resolve().parents[3] / "shared/data/sigmorphon2018_inflection"


HIGH_FINNISH = ("inflection", "finnish", "high")


def report(records: Records) -> str:
    return "\n\n".join(report_parts(records, "Commit 0123456789ab."))


def line_of(text: str, title: str, row: str) -> list[str]:
    """Find a row of a table."""
    table = text.split(f"### {title}")[1].split("###")[0]
    (line,) = [each for each in table.splitlines() if each.startswith(f"| {row} ")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_an_epoch_is_timed_by_the_examples_a_second(make_record: Callable[..., Record]) -> None:
    cells = [Cell("speed", "german", "high", "one_merge", seed) for seed in range(3)]
    assert set(cells) <= set(list_cells())
    records = {
        cell: make_record(cell, 0.5)._replace(examples_per_second=rate)
        for cell, rate in zip(cells, (50.0, 40.0, 500.0), strict=True)
    }
    row = [text.strip() for text in epoch_table(records).splitlines()[-1].split("|")[2:-1]]
    assert row == ["not run", "200.0 (20.0 to 250.0)", "not run", "not run", "1"]
    options = fit_options(cells[0], None, Path("runs"))
    larger = "--data.init_args.batch_size=32"
    assert {"--trainer.max_epochs=1", "--model.max_cuts=1", larger} <= set(options)
    low, medium = (Cell("inflection", "german", size, "ours") for size in ("low", "medium"))
    fewer = "--data.init_args.min_epoch=500"
    assert fewer in fit_options(low, None, Path("runs"))
    assert not {fewer, larger} & set(fit_options(medium, None, Path("runs")))


def test_an_ensemble_of_other_models_is_refused(make_record: Callable[..., Record]) -> None:
    task = ("inflection", "german", "medium")
    model, ensemble = Cell(*task, "ours", 4), Cell(*task, "ensemble")
    records = {cell: make_record(cell, 0.5) for cell in (model, ensemble)}
    times = ["2026-01-02T08:00:00+00:00", "2026-01-02T09:00:00+00:00"]
    for cell, time in zip((model, ensemble), times, strict=True):
        records[cell] = records[cell]._replace(time=time)
    report(records)
    records[ensemble] = records[ensemble]._replace(time="2026-01-01T09:00:00+00:00")
    with pytest.raises(ValueError, match=r"ensemble/0 to be newer .*/ours/4 of 2026-01-02"):
        report(records)


def test_missing_cells_are_not_run(tmp_path: Path) -> None:
    main(["table", f"--output={tmp_path}", f"--report={tmp_path / 'tables.md'}"])
    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    for title, columns in (("Inflection 2018, low", 7), ("Grapheme to phoneme 2020", 4)):
        for row in ("ours", "ours, ensemble"):
            assert line_of(text, title, row) == ["not run"] * columns
    assert line_of(text, "Arithmetic", "ours") == ["not run"] * 4
    assert line_of(text, "Historical normalisation, all", "look-up") == ["not run"] * 2
    assert line_of(text, "Inflection 2018, medium: word", "uzh-01") == [
        "94.5",
        "80.1",
        "90.7",
        "82.8",
        "85.4",
        "97.5",
        "75.3",
    ]
    assert "nan" not in text
    cells = len(list_cells())
    assert f"{cells} of {cells} cells are not run" in text
    assert "0 fitted cells took 0.0 hours" in text
    assert "Commits, and number of cells run with them: none." in text


def test_the_tables_name_the_commits_and_mark_dirty_ones(
    make_record: Callable[..., Record],
) -> None:
    cells = [Cell("g2p", "kor", "all", "ours", seed) for seed in range(3)]
    records = {
        cell: make_record(cell, 0.5)._replace(versions={"checkout": name})
        for cell, name in zip(cells, ("older-dirty", "newer", "newer"), strict=True)
    }
    text = report(records)
    assert "Commits, and number of cells run with them: newer (2), older-dirty (1)." in text
    assert line_of(text, "Grapheme to phoneme 2020", "ours")[3].endswith("‡")
    del records[cells[0]]
    assert "‡" not in line_of(report(records), "Grapheme to phoneme 2020", "ours")[3]


def test_seeds_give_mean_and_deviation_and_bold_is_better_than_all_floors(
    make_record: Callable[..., Record],
) -> None:
    turkish = [Cell("inflection", "turkish", "medium", "ours", seed) for seed in range(3)]
    english, low = Cell("inflection", "english", "medium", "ours"), ("inflection", "english", "low")
    alone = Cell("inflection", "german", "medium", "without_pool")
    records = {
        **{c: make_record(c, a, 0.5) for c, a in zip(turkish, (0.92, 0.93, 0.94), strict=True)},
        english: make_record(english, 0.945, 0.5),  # equal to the best is not better
        alone: make_record(alone, 0.9, 0.96),
        Cell(*low, "tagger"): make_record(Cell(*low, "tagger"), 0.93),
        Cell(*low, "ours"): make_record(Cell(*low, "ours"), 0.92),  # worse than the tagger
    }
    text = report(records)
    medium = line_of(text, "Inflection 2018, medium: word", "ours")
    assert medium == ["94.5", "not run", "**93.0 ± 1.0**", *["not run"] * 4]
    assert (
        line_of(text, "Inflection 2018, medium: word", "ours, without the pool")[1] == "**90.0** †"
    )
    assert line_of(text, "Inflection 2018, medium: C/N", "ours")[2] == "0.50 ± 0.00"
    composed = line_of(text, "Inflection 2018, medium: word", "ours, code points of composed text")
    assert composed[4:] == ["as ours", "as ours", "not run"]
    assert line_of(text, "Inflection 2018, low", "LSTM tagger")[0] == "93.0"
    assert line_of(text, "Inflection 2018, low", "ours")[0] == "92.0"
    assert line_of(text, "Speed", "inflection, english, medium: ours")[:2] == ["3", "1.5"]


def test_goals_are_met_or_missed_by_what_is_measured(make_record: Callable[..., Record]) -> None:
    hebrew = [Cell("inflection", "hebrew", "medium", "ours", seed) for seed in range(2)]
    french, finnish = Cell("g2p", "fre", "all", "ensemble"), Cell(*HIGH_FINNISH, "ours")
    records = {
        **{c: make_record(c, a) for c, a in zip(hebrew, (0.83, 0.85), strict=True)},
        french: make_record(french, 0.95),
        finnish: make_record(finnish, 0.935),
    }
    text, title = report(records), "Goals"
    single = line_of(text, title, "inflection, hebrew, medium: single models")
    assert single == ["above 84.50", "84.00", "missed by 0.50"]
    assert line_of(text, title, "g2p, fre, all: ensemble") == ["below 5.11", "5.00", "+0.11"]
    high = line_of(text, title, "inflection, finnish, high: single models")
    assert high == ["at least 93.50", "93.50", "+0.00"]
    low = line_of(text, title, "inflection, greek, low: ensemble")
    assert low == ["above 32.30", "not run", "-"]


def test_lower_error_rates_are_better(make_record: Callable[..., Record]) -> None:
    french, dutch = (Cell("g2p", language, "all", "ours") for language in ("fre", "dut"))
    records = {french: make_record(french, 0.95), dutch: make_record(dutch, 0.8)}
    row = line_of(report(records), "Grapheme to phoneme 2020", "ours")
    assert row == ["**5.00 / 25.00**", "not run", "20.00 / 25.00", "not run"]


def test_bold_is_better_than_the_look_up_of_all_tokens(
    make_record: Callable[..., Record],
) -> None:
    icelandic = [
        Cell("normalisation", "icelandic-icepahc", size, "ours") for size in ("25000", "all")
    ]
    look_up = Cell("normalisation", "icelandic-icepahc", "all", "look_up")
    records = {look_up: make_record(look_up, 0.83)}
    records |= {c: make_record(c, a) for c, a in zip(icelandic, (0.82, 0.84), strict=True)}
    text = report(records)
    assert line_of(text, "Historical normalisation, first 25,000", "ours")[1] == "82.0"
    assert line_of(text, "Historical normalisation, all", "ours")[1] == "**84.0**"
    # A trained model with more tokens is not compared with.
    tagger = Cell("normalisation", "icelandic-icepahc", "all", "tagger")
    text = report({tagger: make_record(tagger, 0.9), icelandic[0]: make_record(icelandic[0], 0.82)})
    assert line_of(text, "Historical normalisation, first 25,000", "ours")[1] == "**82.0**"


def test_bold_is_better_than_the_tagger_with_look_up(
    make_record: Callable[..., Record],
) -> None:
    tagger, ours = (
        Cell("normalisation", "german-ridges", "25000", row) for row in ("tagger", "ours")
    )
    title = "Historical normalisation, first 25,000"
    for looked_up, expected in ((0.88, "89.0"), (0.9, "89.0")):
        scores = {"test": 0.81, "test, looked up": looked_up}
        mine = {"test": 0.89, "test, plain": 0.87}
        records = {tagger: make_record(tagger, 0, **scores), ours: make_record(ours, 0, **mine)}
        text = report(records)
        assert line_of(text, title, "LSTM tagger")[0] == "81.0"
        assert line_of(text, title, "LSTM tagger, with look-up")[0] == f"{100 * looked_up:.1f}"
        assert line_of(text, title, "ours, without look-up")[0].strip("*") == "87.0"
        bold = f"**{expected}**" if looked_up < 0.89 else expected
        assert line_of(text, title, "ours")[0] == bold


def test_arithmetic_is_reported_by_level(make_record: Callable[..., Record]) -> None:
    cell = Cell("maths", "curriculum", "all", "tagger")
    record = make_record(cell, 0, level_1=0.1, level_2=0.2, level_3=0.3, level_4=0.4)
    row = line_of(report({cell: record}), "Arithmetic", "LSTM tagger")
    assert row == ["10.0", "20.0", "30.0", "40.0"]


@pytest.mark.skipif(not RESULTS.is_dir(), reason=f"no published results in {RESULTS}")
def test_published_rows_are_those_of_the_organisers_sheet() -> None:
    for size in ("low", "medium", "high"):
        with (RESULTS / f"published_results_{size}.tsv").open(encoding="utf-8", newline="") as file:
            head, *lines = csv.reader(file, dialect="excel-tab")
        sheet = {
            language: {system: float(v) for system, v in zip(head[1:], values, strict=True)}
            for language, *values in lines
            if language in INFLECTION_LANGUAGES
        }
        rules, uzh, best = published.INFLECTION[size]
        for language in LANGUAGES_OF[size]:
            assert rules.values[language] == (sheet[language]["baseline"],)
            assert uzh.values[language] == (sheet[language]["uzh-01"],)
            assert best.values[language] == (max(sheet[language].values()),)


def test_stems_are_compared_with_boundaries_anywhere(
    make_record: Callable[..., Record],
) -> None:
    words = [
        Segmented("gehen", "geht", (0, 0, 0, 1, 1)),  # geh|en, found among four places
        Segmented("nehmen", "nimmt", (0, 0, 0, 1, 1, 2)),  # n|ehmen, not found among five
        Segmented("walk", "walked", (0, 1, 2, 3)),
        Segmented("be", "is", (0, 0)),
    ]
    stems = compare_boundaries(words)
    assert stems == Stems(2, 0.5, pytest.approx((1 / 4 + 2 / 5) / 2))
    cell = Cell("stems", "german", "low", "ours")
    text = report({cell: make_record(cell, 0)._replace(stems=stems)})
    assert line_of(text, "Inflection 2018: share of stems", "low")[1] == "0.50 / 0.33"
