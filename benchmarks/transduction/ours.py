"""Run the cells of the text model: train as its config says, and read what the run leaves."""

import csv
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import (
    Files,
    g2p_files,
    inflection_files,
    normalisation_files,
)
from benchmarks.transduction.overrides import CONFIGS, GO_ON, fit_options
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import PLAIN, Score, score
from benchmarks.transduction.versions import hash_sources, list_versions
from lightning_modules import TransformModule, fit, load_module
from pyg_grapheme.text import split_graphemes

BATCH = 512
"""Texts at a time in prediction, as many as ``predict`` takes by itself."""

Item = TypeVar("Item")


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Deal out what is to be predicted.

    >>> [len(batch) for batch in batches(range(BATCH + 3))]
    [512, 3]
    """
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]


def run_ours(cell: Cell, data: Path, work: Path) -> Record:
    """Train, or go on training, and score; nothing but the dev set chooses among checkpoints.

    The run is in ``work / cell.name / "partial"``, from where it goes on if it is killed, unless
    the code or the config is no longer what it was.
    """
    partial = work / cell.name / "partial"
    options = [*fit_options(cell, name_files(cell, data), partial), GO_ON]
    config = yaml.safe_load(CONFIGS[cell.table].read_text(encoding="utf-8"))
    setting, versions = {"config": config, "overrides": options}, list_versions()
    # Not the checkout, lest a commit of mere results undo what was trained.
    packages = {name: value for name, value in versions.items() if name != "checkout"}
    begin_or_go_on(partial, json.dumps([setting, packages, hash_sources()], indent=2))
    fit.main(options)
    run = max(partial.glob("*/version_*/summary.json"), key=lambda p: p.stat().st_mtime).parent
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    predicted = _read_predictions(run / "predictions.tsv")
    module = load_module(run / summary["checkpoint"])
    scores = _scores(summary["splits"])
    if module.known_targets:
        scores[PLAIN.format("test")] = _score_plain(module, predicted["test"])
    return Record(
        cell.name,
        scores,
        summary["seconds"],
        summary["epochs"],
        summary["examples_per_second"],
        _time_prediction(module, predicted),
        torch.get_num_threads(),
        versions,
        setting,
    )


def begin_or_go_on(partial: Path, made_by: str) -> None:
    """Make the folder of a run, an empty one if there is one that was made otherwise."""
    note = partial / "made_by.json"
    if partial.is_dir() and not (note.is_file() and note.read_text(encoding="utf-8") == made_by):
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    note.write_text(made_by, encoding="utf-8")


def put_away(cell: Cell, work: Path) -> None:
    """Rename the run of a cell whose record is written, from "partial" to "done"."""
    partial, done = work / cell.name / "partial", work / cell.name / "done"
    shutil.rmtree(done, ignore_errors=True)
    partial.rename(done)


def load_done(cell: Cell, work: Path) -> TransformModule:
    """Load the model of a cell that has been run.

    Raises:
        FileNotFoundError: if its run is not in ``work`` any more.
    """
    done = work / cell.name / "done"
    runs = sorted(done.glob("*/version_*/checkpoints/model.ckpt"))
    if not runs:
        raise FileNotFoundError(f"{done}: expected the run of a cell (got none)")
    return load_module(runs[-1])


def name_files(cell: Cell, data: Path) -> Files | None:
    """Name the files of a cell, as they are stored; None where its config makes its own data."""
    if cell.table in ("inflection", "speed"):
        return inflection_files(data, cell.language, cell.size)
    if cell.table == "g2p":
        return g2p_files(data, cell.language)
    return normalisation_files(data, cell.language) if cell.table == "normalisation" else None


Row = dict[str, str]


def _read_predictions(path: Path) -> dict[str, list[Row]]:
    """Read what a run predicts, by split."""
    rows: dict[str, list[Row]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, dialect="excel-tab"):
            rows[row["split"]].append(row)
    return rows


def _scores(reported: dict[str, dict[str, Any]]) -> dict[str, Score]:
    """Take what the run says of every split that it did not learn from."""
    return {
        "dev" if split == "val" else split: Score(
            own["examples"], own["exact_match"], own["unit_error_rate"], own["coarse_share"]
        )
        for split, own in reported.items()
        if split != "train"
    }


def _score_plain(module: TransformModule, rows: list[Row]) -> Score:
    """Score what the model writes where nothing is recalled."""
    written: list[str] = []
    for batch in batches(rows):
        written += module.net([row["input"] for row in batch])
    targets = [tuple(split_graphemes(row["target"])) for row in rows]
    return score([tuple(split_graphemes(text)) for text in written], targets)


def _time_prediction(module: TransformModule, predicted: dict[str, list[Row]]) -> float:
    """Words a second, of everything that is not trained on or chosen by."""
    rows = [
        row for split, rows in predicted.items() if split not in ("train", "val") for row in rows
    ]
    asked = [(row["input"], [t for t in row["tags"].split(";") if t]) for row in rows]
    return time_prediction(module, asked)


def time_prediction(module: TransformModule, asked: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Words a second, of texts with their tags."""
    start = time.perf_counter()
    for batch in batches(asked):
        with torch.no_grad():
            module([text for text, _ in batch], [tags for _, tags in batch])
    return len(asked) / (time.perf_counter() - start)
