"""The rows of the transduction tables that train the text model."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.transduction import ensemble, ours, overrides
from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import NORMALISATION_SIZES, read_splits
from benchmarks.transduction.ours import begin_or_resume, load_done, name_files
from benchmarks.transduction.prediction import REPEATS, run_prediction
from benchmarks.transduction.records import Record, read_record, write_record
from benchmarks.transduction.scoring import score
from lightning_modules.cli import make_cli
from pyg_grapheme.text import Example, TextUnits
from pyg_grapheme.text.model import rank_rewrites
from pyg_grapheme.text.typing import UnitsName


def test_an_interrupted_training_is_resumed_unless_its_options_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []

    def stop(options: list[str]) -> None:
        passed.extend(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(ours.fit, "main", stop)
    cell = Cell("maths", "curriculum", "all", "ours", 1)
    partial = tmp_path / cell.name / "partial"
    with pytest.raises(KeyboardInterrupt):
        ours.run_ours(cell, tmp_path, tmp_path)
    assert {"--ckpt_path=last", f"--output={partial}", "--seed_everything=1"} <= set(passed)
    (partial / "last.ckpt").touch()
    with pytest.raises(KeyboardInterrupt):
        ours.run_ours(cell, tmp_path, tmp_path)
    assert (partial / "last.ckpt").exists()
    begin_or_resume(partial, "changed")
    assert not (partial / "last.ckpt").exists()


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
    sides = (others.train, others.dev)
    pairs = [[("".join(p.source), "".join(p.target)) for p in side] for side in sides]
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


trained = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    "ignore:The '.*_dataloader' does not have many workers",
    "ignore:.*is smaller than the logging interval",
)


@trained
@pytest.mark.parametrize(
    "cell",
    [
        Cell("inflection", "english", "medium", "without_pool"),
        Cell("g2p", "dut", "all", "ours"),
    ],
    ids=lambda cell: cell.name,
)
def test_the_text_model_leaves_a_record(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_record: Callable[..., Record],
    cell: Cell,
) -> None:
    config = tmp_path / "tiny.yaml"
    phones = cell.table == "g2p"
    config.write_text(
        CONFIG.replace("target_units: graphemes", "target_units: whitespace") if phones else CONFIG
    )
    monkeypatch.setitem(overrides.CONFIGS, cell.table, config)
    files = name_files(cell, tmp_path / "data")
    assert files is not None
    files.dev.parent.mkdir(parents=True)
    for path in files:
        path.write_text(PHONES if phones else FORMS, encoding="utf-8")
    folders = [f"--{name}={tmp_path / name}" for name in ("output", "work", "data")]
    evaluations = [Cell(table, *cell[1:]) for table in ("stems", "prediction")]
    for evaluation in evaluations:
        write_record(tmp_path / "output", evaluation, make_record(evaluation, 0.5))
    main(["cell", cell.name, *folders, "--threads=1"])
    for evaluation in evaluations:
        left = read_record(tmp_path / "output", evaluation) is not None
        assert left == (cell.table != "inflection"), "it describes another run"
    if cell.table == "inflection":
        timed = run_prediction(evaluations[1], tmp_path / "data", tmp_path / "work")
        assert sorted(timed.setting["rates"])[REPEATS // 2] == timed.words_per_second > 0
    record = read_record(tmp_path / "output", cell)
    assert record is not None
    assert set(record.scores) == {"dev", "test"}
    assert record.scores["test"].examples == 3
    (summary,) = (tmp_path / "work" / cell.name / "done").glob("run/version_0/summary.json")
    with (summary.parent / "predictions.tsv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file, dialect="excel-tab") if r["split"] == "test"]
    kind: UnitsName = "whitespace" if phones else "graphemes"
    texts = ([row[name] for row in rows] for name in ("prediction", "target"))
    expected = score(*texts, TextUnits(kind))
    assert record.scores["test"].accuracy == pytest.approx(expected.accuracy)
    assert record.scores["test"].error_rate == pytest.approx(expected.error_rate)
    assert record.epochs == 1
    assert record.words_per_second > 0
    share = record.scores["test"].coarsening_ratio
    assert share is not None
    assert share == 1 or cell.row == "ours"
    run = tmp_path / "work" / cell.name
    assert [path.name for path in run.iterdir()] == ["done"]
    assert record.setting["config"]["model"]["channels"] == 8
    named = " ".join(record.setting["overrides"]).replace(str(config), "")
    assert f"--output=runs/transduction/{cell.name}/partial" in named
    assert str(tmp_path) not in named, "a path of this machine"


@pytest.mark.slow
@trained
def test_normalisation_is_scored_with_look_up_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "tiny.yaml"
    here = "target_units: graphemes"
    config.write_text(
        CONFIG.replace(here, f"{here}\n    preprocess: historical\n    memorize: true")
    )
    monkeypatch.setitem(overrides.CONFIGS, "normalisation", config)
    folder = tmp_path / "data/histnorm"
    folder.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        (folder / f"german-ridges.{name}.txt").write_text("Vnd\tUnd\nVnd\tUnd\nVnd\tVnt\n")
    folders = [f"--{name}={tmp_path / name}" for name in ("output", "work", "data")]
    found = {}
    for row in ("ours", "tagger"):
        cell = Cell("normalisation", "german-ridges", "all", row)
        main(["cell", cell.name, *folders, "--threads=1"])
        found[cell] = read_record(tmp_path / "output", cell)
    (ours_scores, tagger_scores) = (record.scores for record in found.values() if record)
    assert ours_scores["test"].accuracy == pytest.approx(2 / 3)
    assert ours_scores["test, plain"].accuracy == 0  # after one step it writes anything but "und"
    assert tagger_scores["test, looked up"].accuracy == pytest.approx(2 / 3)
    assert set(tagger_scores) == {"dev", "test", "dev, looked up", "test, looked up"}


@pytest.mark.slow
@trained
def test_an_ensemble_is_scored_by_the_mean_probability_of_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(CONFIG)
    monkeypatch.setitem(overrides.CONFIGS, "inflection", config)
    monkeypatch.setitem(ensemble.MEMBERS, "inflection", (0, 1))
    task = ("inflection", "english", "medium")
    files = name_files(Cell(*task, "ours"), tmp_path / "data")
    assert files is not None
    files.dev.parent.mkdir(parents=True)
    for path in files:
        path.write_text(FORMS, encoding="utf-8")
    folders = [f"--{name}={tmp_path / name}" for name in ("output", "work", "data")]
    cell = Cell(*task, "ensemble")
    with pytest.raises(FileNotFoundError, match="expected the run of a cell"):
        main(["cell", cell.name, *folders, "--threads=1"])
    for seed in (0, 1):
        main(["cell", Cell(*task, "ours", seed).name, *folders, "--threads=1"])
    main(["cell", cell.name, *folders, "--threads=1"])
    record = read_record(tmp_path / "output", cell)
    assert record is not None
    nets = [load_done(Cell(*task, "ours", seed), tmp_path / "work").net for seed in (0, 1)]
    right = 0
    for line in FORMS.splitlines():
        source, target, tags = line.split("\t")
        (ranked,) = rank_rewrites(nets, [source], [tags.split(";")], ensemble.BEAM)
        right += ranked[0].text == target
    assert record.scores["test"].accuracy == record.scores["dev"].accuracy == right / 3
    main(["cell", Cell(*task, "without_pool").name, *folders, "--threads=1"])
    assert read_record(tmp_path / "output", cell) == record
    # A member that is trained again makes the record of the ensemble obsolete.
    main(["cell", Cell(*task, "ours", 1).name, *folders, "--threads=1"])
    assert read_record(tmp_path / "output", cell) is None
