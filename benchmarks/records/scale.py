"""Cluster made tables of up to 200,000 records by the command ``predict``: time and memory.

    python -m benchmarks.records.scale --output benchmarks/results/records_scale.md

The model learns from 4,000 made records by ``conf/records.yaml``, for a few steps.
"""

import argparse
import csv
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.checkout import RESULTS, ROOT, begin_result, end_result
from benchmarks.pools.tables import format_table
from pyg_grapheme.metrics import clustering_score

SIZES = (20_000, 200_000)
TRAINED = 4_000
HEAD = ("id", "entity", "name", "city", "year")
NOTES = """\
Size of a table: `python -m benchmarks.records.scale`.

Made records: three words of 20,000, a city, a year; one to four records of an entity, with an error
in the name or the year. One block, 15 neighbours, average linkage. Seconds and the largest memory
of the process of `predict`, reading and writing included."""


class Cost(NamedTuple):
    """What a command took: seconds on the clock and of process time, and its largest memory."""

    seconds: float
    process_seconds: float
    megabytes: float


def make_rows(size: int, seed: int) -> list[tuple[str, ...]]:
    """Return made records: id, entity, name, city, year."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnoprstuvwyz"))
    words = ["".join(rng.choice(letters, rng.integers(4, 9))) for _ in range(20_000)]
    cities = rng.choice(words, 500)
    rows: list[tuple[str, ...]] = []
    entity = 0
    while len(rows) < size:
        name, city = " ".join(rng.choice(words, 3)), str(rng.choice(cities))
        year = int(rng.integers(1900, 2020))
        for _ in range(rng.integers(1, 5)):
            text = list(name)
            text[rng.integers(len(text))] = str(rng.choice(letters))
            known = "" if rng.random() < 0.2 else str(year + rng.integers(-1, 2))
            rows.append((f"r{len(rows)}", f"e{entity}", "".join(text), city, known))
        entity += 1
    return [rows[row] for row in rng.permutation(size)]


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write records as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEAD, *rows])


def run(*arguments: str) -> Cost:
    """Run a command of ``lightning_modules`` in a process of its own, with two threads."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    start = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", *arguments], env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"error: {arguments[0]} ended with {process.returncode}")
    seconds = time.monotonic() - start
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(size: int, checkpoint: Path, folder: Path) -> list[str]:
    """Return the line of one size: what ``predict`` took, and how good its clusters are."""
    rows = make_rows(size, seed=size)
    table, output = folder / f"{size}.csv", folder / f"{size}_clusters.csv"
    write_rows(table, rows)
    options = [f"--ckpt_path={checkpoint}", "--id=id", f"--output={output}", str(table)]
    cost = run("lightning_modules.predict", *options)
    with output.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [line["id"] for line in found] == [row[0] for row in rows]
    cluster = torch.tensor([int(line["cluster"]) for line in found])
    entity = torch.tensor([int(row[1][1:]) for row in rows])
    f1 = float(clustering_score(cluster, entity, "pair_f1"))
    return [f"{size:,}", *(f"{value:.0f}" for value in cost), f"{f1:.3f}"]


def main(arguments: list[str] | None = None, sizes: Sequence[int] = SIZES) -> None:
    """Train once, cluster a table of each size, and write what that took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.records.scale")
    parser.add_argument("--output", type=Path, default=RESULTS / "records_scale.md")
    options = parser.parse_args(arguments)
    stamp = begin_result(options.output)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "train.csv", make_rows(TRAINED, seed=0))
        run(
            "lightning_modules.fit", f"--config={ROOT / 'conf' / 'records.yaml'}",
            f"--data.records={folder / 'train.csv'}", "--data.cluster=entity", "--data.id=id",
            "--trainer.max_epochs=3", f"--output={folder}", "--trainer.enable_progress_bar=false",
        )  # fmt: skip
        checkpoint = folder / "records" / "version_0" / "checkpoints" / "model.ckpt"
        lines = [measure(size, checkpoint, folder) for size in sizes]
    head = ["records", "seconds", "process time, s", "largest memory, MB", "pair F1"]
    end_result(options.output, NOTES, stamp, format_table("predict, two cores", head, lines))


if __name__ == "__main__":
    main()
