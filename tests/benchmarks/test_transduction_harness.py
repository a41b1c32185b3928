"""The harness of the transduction tables: cells, records, resuming, and what is rendered."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.transduction import ours, overrides, published
from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import Cell, find_cell, list_cells
from benchmarks.transduction.data import NORMALISATION_SIZES, read_splits
from benchmarks.transduction.ours import begin_or_go_on, name_files
from benchmarks.transduction.overrides import fit_options
from benchmarks.transduction.records import Record, Stems, read_record, record_path, write_record
from benchmarks.transduction.report import report
from benchmarks.transduction.running import choose, run_missing
from benchmarks.transduction.scoring import Score, score
from benchmarks.transduction.speed import epoch_table
from benchmarks.transduction.stems import Segmented, compare_boundaries
from lightning_modules.cli import make_cli
from pyg_grapheme.data import Example

RESULTS = Path(__file__).resolve().parents[3] / "shared/data/sigmorphon2018_inflection"


def make_record(cell: Cell, accuracy: float, share: float | None = None, **splits: float) -> Record:
    scores = {n: Score(100, a, 0.25, share) for n, a in (splits or {"test": accuracy}).items()}
    return Record(cell.name, scores, 90.0, 3, 50.0, 200.0, 1, {}, {})


def test_every_cell_is_there_once_and_baselines_come_first() -> None:
    cells = list_cells()
    assert len(cells) == len(set(cells))
    assert all(find_cell(cell.name) == cell for cell in cells)
    rows = [cell.row for cell in cells]
    ours = rows.index("ours")
    assert set(rows[:ours]) == {"suffix_table", "look_up", "tagger"}
    # 12 of inflection, 4 of g2p, 4 of normalisation, 1 of maths; only then variants and seeds.
    assert rows[ours : ours + 21] == ["ours"] * 21
    assert all(cell.seed == 0 for cell in cells[: ours + 21])
    medium = [c for c in cells if c[:3] == ("inflection", "turkish", "medium")]
    for row in ("ours", "without_pool", "fixed_threshold"):
        assert [c.seed for c in medium if c.row == row] == [0, 1, 2]


def test_an_epoch_is_timed_by_the_examples_a_second() -> None:
    cell = Cell("speed", "german", "high", "one_merge")
    assert cell in list_cells()
    lines = epoch_table({cell: make_record(cell, 0.5)}).splitlines()
    row = [text.strip() for text in lines[-1].split("|")[2:-1]]
    assert row == ["not run", "200", "not run", "not run", "1"]
    options = fit_options(cell, None, Path("runs"))
    assert {"--trainer.max_epochs=2", "--model.max_cuts=1"} <= set(options)


def test_an_unknown_cell_is_named() -> None:
    with pytest.raises(ValueError, match=r"Expected 'name' to be that of a cell \(got 'a/b'\)"):
        find_cell("a/b")


def test_patterns_choose() -> None:
    names = {cell.name for cell in choose(list_cells(), ["g2p/kor", "*/look_up"])}
    corpora = ("german-ridges", "icelandic-icepahc")
    looked_up = {f"normalisation/{c}/{s}/look_up/0" for c in corpora for s in ("25000", "all")}
    assert names == {f"g2p/kor/all/ours/{seed}" for seed in range(3)} | looked_up
    assert choose(list_cells(), []) == list_cells()
    with pytest.raises(ValueError, match=r"Expected '--only' to fit .* \(got 'g2p/fra'\)"):
        choose(list_cells(), ["g2p", "g2p/fra"])
    with pytest.raises(SystemExit, match="Expected '--only' to fit"):
        main(["run", "--only", "nothing"])


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    cell = Cell("inflection", "english", "low", "ours")
    record = make_record(cell, 0.5, 0.25)
    assert read_record(tmp_path, cell) is None
    write_record(tmp_path, cell, record)
    assert read_record(tmp_path, cell) == record
    assert [path.name for path in record_path(tmp_path, cell).parent.iterdir()] == ["0.json"]


QUICK = [Cell("fake", name, "low", "ours") for name in ("first", "second", "third")]

PROGRAM = """
import pathlib, sys
path, tries, code = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
tries.open("a").write("x")
print("said")
if code:
    sys.exit(code)
path.parent.mkdir(parents=True)
path.write_text("{}")
"""


def run_quick(folder: Path, broken: str = "", hours: float = 1.0) -> tuple[list[str], list[str]]:
    """Run three cells that only write a file; say which failed and how often each was tried."""

    def command(cell: Cell) -> list[str]:
        paths = [str(record_path(folder, cell)), str(folder / cell.language)]
        return [sys.executable, "-c", PROGRAM, *paths, "3" if cell.language == broken else "0"]

    failed = run_missing(QUICK, folder, command, folder / "logs", hours)
    tries = [folder / cell.language for cell in QUICK]
    return [c.language for c in failed], [p.read_text() if p.exists() else "" for p in tries]


def test_a_crash_loses_its_own_cell_and_the_next_run_makes_it_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_quick(tmp_path, broken="second") == (["second"], ["x", "x", "x"])
    assert "fake/second/low/ours/0: failed with status 3" in capsys.readouterr().err
    assert run_quick(tmp_path) == ([], ["x", "xx", "x"])
    assert (tmp_path / "logs/fake/second/low/ours/0.log").read_text() == "said\nsaid\n"


ENDLESS = """
import os, pathlib, sys, time
pid = pathlib.Path(sys.argv[1])
pid.with_suffix(".new").write_text(str(os.getpid()))
pid.with_suffix(".new").rename(pid)
time.sleep(600)
"""


def test_a_run_that_is_told_to_end_ends_its_cell(tmp_path: Path) -> None:
    runs = (
        "import pathlib, sys\n"
        "from benchmarks.transduction.cells import Cell\n"
        "from benchmarks.transduction.running import run_missing\n"
        "cell, folder = Cell('fake', 'one', 'low', 'ours'), pathlib.Path(sys.argv[1])\n"
        "command = [sys.executable, '-c', sys.argv[2], str(folder / 'pid')]\n"
        "run_missing([cell], folder, lambda cell: command, folder / 'logs')\n"
    )
    pid = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", runs, str(tmp_path), ENDLESS]) as process:
        while not pid.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_no_cell_is_begun_when_time_is_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_quick(tmp_path, hours=0.0) == ([], ["", "", ""])
    assert "before fake/first" in capsys.readouterr().err


def test_the_list_says_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = Cell("g2p", "kor", "all", "ours")
    write_record(tmp_path, cell, make_record(cell, 0.5))
    main(["list", "--only", "g2p", f"--output={tmp_path}"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 * 3  # languages and seeds
    assert [line for line in lines if line.startswith("done")] == [f"done     {cell.name}"]


def line_of(text: str, title: str, row: str) -> list[str]:
    """Find a row of a table."""
    table = text.split(f"### {title}")[1].split("###")[0]
    (line,) = [each for each in table.splitlines() if each.startswith(f"| {row} ")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_missing_cells_are_not_run(tmp_path: Path) -> None:
    main(["table", f"--output={tmp_path}", f"--report={tmp_path / 'tables.md'}"])
    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    for title in ("Inflection 2018, low", "Grapheme to phoneme 2020", "Maths curriculum"):
        assert line_of(text, title, "ours") == ["not run"] * 4
    assert line_of(text, "Historical normalisation, all", "look-up") == ["not run"] * 2
    assert line_of(text, "Inflection 2018, medium: word", "uzh-01") == [
        "94.5",
        "80.1",
        "90.7",
        "82.8",
    ]
    assert "nan" not in text


def test_seeds_make_a_mean_and_a_spread_and_bold_is_past_all_floors() -> None:
    turkish = [Cell("inflection", "turkish", "medium", "ours", seed) for seed in range(3)]
    english, low = Cell("inflection", "english", "medium", "ours"), ("inflection", "english", "low")
    alone = Cell("inflection", "german", "medium", "without_pool")
    records = {
        **{c: make_record(c, a, 0.5) for c, a in zip(turkish, (0.6, 0.62, 0.64), strict=True)},
        english: make_record(english, 0.905, 0.5),  # as good as the rules is not past them
        alone: make_record(alone, 0.9, 0.96),
        Cell(*low, "tagger"): make_record(Cell(*low, "tagger"), 0.9),
        Cell(*low, "ours"): make_record(Cell(*low, "ours"), 0.89),  # past the rules alone
    }
    text = report(records)
    medium = line_of(text, "Inflection 2018, medium: word", "ours")
    assert medium == ["90.5", "not run", "**62.0 ± 2.0**", "not run"]
    assert (
        line_of(text, "Inflection 2018, medium: word", "ours, without the pool")[1] == "**90.0** †"
    )
    assert line_of(text, "Inflection 2018, medium: C/N", "ours")[2] == "0.50 ± 0.00"
    assert line_of(text, "Inflection 2018, low", "LSTM tagger")[0] == "90.0"
    assert line_of(text, "Inflection 2018, low", "ours")[0] == "89.0"
    assert line_of(text, "Speed", "inflection, english, medium: ours")[:2] == ["3", "1.5"]


def test_errors_of_phones_are_lower_the_better() -> None:
    french, dutch = (Cell("g2p", language, "all", "ours") for language in ("fre", "dut"))
    records = {french: make_record(french, 0.94), dutch: make_record(dutch, 0.8)}
    row = line_of(report(records), "Grapheme to phoneme 2020", "ours")
    assert row == ["**6.00 / 25.00**", "not run", "20.00 / 25.00", "not run"]


def test_few_tokens_are_to_do_better_than_all_of_them_looked_up() -> None:
    icelandic = [
        Cell("normalisation", "icelandic-icepahc", size, "ours") for size in ("25000", "all")
    ]
    look_up = Cell("normalisation", "icelandic-icepahc", "all", "look_up")
    records = {look_up: make_record(look_up, 0.83)}
    records |= {c: make_record(c, a) for c, a in zip(icelandic, (0.82, 0.84), strict=True)}
    text = report(records)
    assert line_of(text, "Historical normalisation, first 25,000", "ours")[1] == "82.0"
    assert line_of(text, "Historical normalisation, all", "ours")[1] == "**84.0**"


def test_a_training_that_was_cut_short_is_begun_anew_under_other_options(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "partial"
    begin_or_go_on(folder, "first")
    (folder / "last.ckpt").touch()
    begin_or_go_on(folder, "first")
    assert (folder / "last.ckpt").exists()
    begin_or_go_on(folder, "second")
    assert not (folder / "last.ckpt").exists()


def test_maths_are_told_by_level() -> None:
    cell = Cell("maths", "curriculum", "all", "tagger")
    record = make_record(cell, 0, level_1=0.1, level_2=0.2, level_3=0.3, level_4=0.4)
    row = line_of(report({cell: record}), "Maths curriculum", "LSTM tagger")
    assert row == ["10.0", "20.0", "30.0", "40.0"]


@pytest.mark.skipif(not RESULTS.is_dir(), reason=f"no published results in {RESULTS}")
@pytest.mark.parametrize("size", ["low", "medium", "high"])
def test_published_rows_are_those_of_the_organisers_sheet(size: str) -> None:
    with (RESULTS / f"published_results_{size}.tsv").open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file, dialect="excel-tab")
    wanted = ("english", "german", "turkish", "finnish")
    sheet = {
        language: {system: float(v) for system, v in zip(head[1:], values, strict=True)}
        for language, *values in lines
        if language in wanted
    }
    rules, uzh, best = published.INFLECTION[size]
    for language in wanted:
        assert rules.values[language] == (sheet[language]["baseline"],)
        assert uzh.values[language] == (sheet[language]["uzh-01"],)
        assert best.values[language] == (max(sheet[language].values()),)


def test_a_training_that_was_cut_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []

    def stop(options: list[str]) -> None:
        passed.extend(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(ours.fit, "main", stop)
    cell = Cell("maths", "curriculum", "all", "ours", 1)
    with pytest.raises(KeyboardInterrupt):
        ours.run_ours(cell, tmp_path, tmp_path)
    assert "--ckpt_path=last" in passed
    assert f"--output={tmp_path / cell.name / 'partial'}" in passed
    assert "--seed_everything=1" in passed


@pytest.mark.filterwarnings("ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning")
def test_ours_reads_the_historical_pairs_that_all_other_rows_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "histnorm"
    folder.mkdir()
    for name in ("train", "dev", "test"):
        (folder / f"german-ridges.{name}.txt").write_text("Vnd\tUnd\n.\t.\n\nEr\tEr\nJa\tJa\n")
    monkeypatch.setitem(NORMALISATION_SIZES, "25000", 2)
    cell = Cell("normalisation", "german-ridges", "25000", "ours")
    options = overrides.fit_options(cell, name_files(cell, tmp_path), tmp_path)
    three = [Example("vnd", "und"), Example("er", "er"), Example("ja", "ja")]
    read = make_cli(options).datamodule.splits
    assert read == {"train": three[:2], "val": three, "test": three}
    others = read_splits(tmp_path, "normalisation", "german-ridges", "25000")
    pairs = [[("".join(p.source), "".join(p.target)) for p in side] for side in others[:2]]
    assert pairs == [[example[:2] for example in read[name]] for name in ("train", "val")]


CONFIG = """
data:
  class_path: lightning_modules.TextDataModule
  init_args:
    target_units: graphemes
model:
  channels: 8
  layers: 1
  loss: cross_entropy
checkpoint:
  monitor: val/exact_match
  mode: max
trainer:
  max_epochs: 1
  accelerator: cpu
"""


FORMS = "walk\twalked\tV;PST\ngo\twent\tV;PST\nbe\tbe\tV;NFIN\n"
PHONES = "walk\tʋ ɑː l k\nbe\tb eː ː\ngo\tɣ oː\n"


def units(text: str, phones: bool) -> tuple[str, ...]:
    return tuple(text.split(" ") if phones and text else text)


@pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    "ignore:The '.*_dataloader' does not have many workers",
    "ignore:.*is smaller than the logging interval",
)
@pytest.mark.parametrize(
    "cell",
    [
        Cell("inflection", "english", "medium", "ours"),
        Cell("inflection", "english", "medium", "without_pool"),
        Cell("g2p", "dut", "all", "ours"),
    ],
    ids=lambda cell: cell.name,
)
def test_the_text_model_leaves_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: Cell
) -> None:
    config = tmp_path / "tiny.yaml"
    phones = cell.table == "g2p"
    config.write_text(
        CONFIG.replace("target_units: graphemes", "target_units: spaced") if phones else CONFIG
    )
    monkeypatch.setitem(overrides.CONFIGS, cell.table, config)
    files = name_files(cell, tmp_path / "data")
    assert files is not None
    files.dev.parent.mkdir(parents=True)
    for path in files:
        path.write_text(PHONES if phones else FORMS, encoding="utf-8")
    folders = [f"--{name}={tmp_path / name}" for name in ("output", "work", "data")]
    main(["cell", cell.name, *folders, "--threads=1"])
    record = read_record(tmp_path / "output", cell)
    assert record is not None
    assert set(record.scores) == {"dev", "test"}
    assert record.scores["test"].examples == 3
    (summary,) = (tmp_path / "work" / cell.name / "done").glob("run/version_0/summary.json")
    with (summary.parent / "predictions.tsv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file, dialect="excel-tab") if r["split"] == "test"]
    expected = score(*([units(r[name], phones) for r in rows] for name in ("prediction", "target")))
    assert record.scores["test"].accuracy == pytest.approx(expected.accuracy)
    assert record.scores["test"].error_rate == pytest.approx(expected.error_rate)
    assert record.epochs == 1
    assert record.words_per_second > 0
    share = record.scores["test"].coarse_share
    assert share is not None
    assert (share == 1) or cell.row == "ours"
    run = tmp_path / "work" / cell.name
    assert [path.name for path in run.iterdir()] == ["done"]
    text = record_path(tmp_path / "output", cell).read_text(encoding="utf-8")
    assert json.loads(text)["setting"]["config"]["model"]["channels"] == 8


def test_stems_are_compared_with_boundaries_anywhere(tmp_path: Path) -> None:
    words = [
        Segmented("gehen", "geht", (0, 0, 0, 1, 1)),  # geh|en, found among four places
        Segmented("nehmen", "nimmt", (0, 0, 0, 1, 1, 2)),  # n|ehmen, not found among five
        Segmented("walk", "walked", (0, 1, 2, 3)),
        Segmented("be", "is", (0, 0)),
    ]
    stems = compare_boundaries(words)
    assert stems == Stems(2, 0.5, pytest.approx((1 / 4 + 2 / 5) / 2))
    cell = Cell("stems", "german", "low", "ours")
    write_record(tmp_path, cell, make_record(cell, 0)._replace(stems=stems))
    record = read_record(tmp_path, cell)
    assert record is not None
    assert record.stems == stems
    assert (
        line_of(report({cell: record}), "Inflection 2018: share of stems", "low")[1]
        == "0.50 / 0.33"
    )
