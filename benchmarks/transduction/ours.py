"""Run the cells of the text model: train as the config says, and read the files of the run."""

import csv
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import Files, g2p_files, inflection_files, normalisation_files
from benchmarks.transduction.overrides import CONFIGS, RESUME, fit_options
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import PLAIN, Score, score
from benchmarks.transduction.versions import hash_sources, list_versions
from lightning_modules import TransformModule, fit, load_module

BATCH = 512
"""Texts per batch in prediction, the default of ``predict``."""

Item = TypeVar("Item")


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items in batches.

    >>> [len(batch) for batch in batches(range(BATCH + 3))]
    [512, 3]
    """
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]


def run_ours(cell: Cell, data: Path, work: Path) -> Record:
    """Train, or resume an interrupted training, and score; only the dev set chooses checkpoints.

    The run is in ``work / cell.name / "partial"``. It is resumed there unless the code or the
    config has changed.
    """
    partial = work / cell.name / "partial"
    options = [*fit_options(cell, name_files(cell, data), partial), RESUME]
    config = yaml.safe_load(CONFIGS[cell.table].read_text(encoding="utf-8"))
    setting, versions = {"config": config, "overrides": options}, list_versions()
    # The commit is left out: a commit of results alone does not invalidate a training.
    packages = {name: value for name, value in versions.items() if name != "checkout"}
    begin_or_resume(partial, json.dumps([setting, packages, hash_sources()], indent=2))
    fit.main(options)
    run = _newest(partial.glob("*/version_*/summary.json")).parent
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    predicted = _read_predictions(run / "predictions.tsv")
    module = load_module(run / summary["checkpoint"])
    scores = _scores(summary["splits"])
    if module.lookup:
        scores[PLAIN.format("test")] = _score_plain(module, predicted["test"])
    scored = [row for split in predicted.keys() - {"train", "val"} for row in predicted[split]]
    inputs = [(row["input"], [tag for tag in row["tags"].split(";") if tag]) for row in scored]
    return Record(
        cell.name,
        scores,
        summary["seconds"],
        summary["epochs"],
        summary["examples_per_second"],
        time_prediction(module, inputs),
        torch.get_num_threads(),
        versions,
        setting | {"overrides": [_portable(option, data, work) for option in options]},
    )


def _portable(option: str, data: Path, work: Path) -> str:
    """Name the folders of the data and of the runs in the same way on every machine."""
    return option.replace(str(data), "data").replace(str(work), "runs/transduction")


def begin_or_resume(partial: Path, made_by: str) -> None:
    """Make the folder of a run; empty it if its run was made in another way."""
    note = partial / "made_by.json"
    if partial.is_dir() and not (note.is_file() and note.read_text(encoding="utf-8") == made_by):
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    note.write_text(made_by, encoding="utf-8")


def keep_run(cell: Cell, work: Path) -> None:
    """Rename the run of a cell whose record is written, from "partial" to "done"."""
    partial, done = work / cell.name / "partial", work / cell.name / "done"
    shutil.rmtree(done, ignore_errors=True)
    partial.rename(done)


def load_done(cell: Cell, work: Path) -> TransformModule:
    """Load the model of a trained cell.

    Raises:
        FileNotFoundError: if its run is not in ``work``.
    """
    done = work / cell.name / "done"
    runs = list(done.glob("*/version_*/summary.json"))
    if not runs:
        raise FileNotFoundError(f"{done}: expected the run of a cell (got none)")
    return load_module(_newest(runs).parent)


def _newest(files: Iterable[Path]) -> Path:
    return max(files, key=lambda path: path.stat().st_mtime)


def name_files(cell: Cell, data: Path) -> Files | None:
    """Return the files of a cell, as they are stored; None if its config makes its own data."""
    if cell.table in ("inflection", "speed"):
        return inflection_files(data, cell.language, cell.size)
    if cell.table == "g2p":
        return g2p_files(data, cell.language)
    return normalisation_files(data, cell.language) if cell.table == "normalisation" else None


Row = dict[str, str]


def _read_predictions(path: Path) -> dict[str, list[Row]]:
    """Read the predictions of a run by split."""
    rows: dict[str, list[Row]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, dialect="excel-tab"):
            rows[row["split"]].append(row)
    return rows


def _scores(reported: dict[str, dict[str, Any]]) -> dict[str, Score]:
    """Return the scores that a run reports of every split but the training set."""
    return {
        "dev" if split == "val" else split: Score(
            own["examples"], own["exact_match"], own["unit_error_rate"], own["coarsening_ratio"]
        )
        for split, own in reported.items()
        if split != "train"
    }


def _score_plain(module: TransformModule, rows: list[Row]) -> Score:
    """Score the model without its table of known targets."""
    written: list[str] = []
    for batch in batches(rows):
        written += module.net([row["input"] for row in batch])
    return score(written, [row["target"] for row in rows], module.net.target)


def time_prediction(module: TransformModule, inputs: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Return the words per second in prediction, for texts with their tags."""
    start = time.perf_counter()
    for batch in batches(inputs):
        with torch.no_grad():
            module([text for text, _ in batch], [tags for _, tags in batch])
    return len(inputs) / (time.perf_counter() - start)
