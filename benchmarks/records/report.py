"""The tables of the records."""

from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

from benchmarks.partitions.tracks.report import show
from benchmarks.pools.tables import format_table
from benchmarks.records.cells import (
    FIRST,
    LINKAGES,
    METRIC,
    ONE_PER_SOURCE,
    SOURCE,
    SPLITS,
    THRESHOLDS,
    Cell,
)
from benchmarks.records.evaluation import PROBABILITIES
from benchmarks.records.running import Record

Records = Mapping[Cell, Record]

NOTES = """\
Tables of records: `python -m benchmarks.records`.

Scores of the held-out test split: B-cubed F1 over its records, pair F1 over the pairs with at least
one of its records. Means ± standard deviations over splits. All records of a block are clustered
together, those of other splits too. Cuts are the best on the validation split (of 100, spread over
the heights of its trees), but "learned" is what training has learned, which sees no validation
record. "By size" is a cut w0 + w1 log(n / 100) for a block of n records; w1 is learned, or, for
baselines, the best of nine. "One per source" are merges in falling order that skip what would put
two records of one source into a cluster; each source of songs has a song once. "Nothing" as
objective is cross-entropy and "pairs" alone. Published pair F1 of songs: .922 to .958, components
at a threshold set by hand, on the data that it is scored on.

What was chosen, and on what: dropout, sizes of steps and weight of the score of authors on the
splits 0 to 4, 10 to 14, 20 and 21, of songs on the splits 7 and 100 to 102, of citations on the
splits 0 to 4, and no more on those of the tables. Dropout helps the baselines, too."""


class Row(NamedTuple):
    """A line of a table: which cells it is of, and which of their evaluations."""

    label: str
    objective: str
    linkage: str
    threshold: str
    evaluation: str


def rows(table: str) -> list[Row]:
    """Return the lines of a table, baselines first."""
    metric = METRIC[table]
    suffixes = ("", ", by size") if table == "authors" else ("",)
    found = [Row("equal names or titles", "equal", "none", "none", "equal")]
    for clustering in (*LINKAGES, PROBABILITIES):
        # A slope over log n is one of logits.
        for suffix in suffixes if clustering in LINKAGES else ("",):
            name = clustering + suffix
            found.append(Row(f"BCE, {name}", metric, *FIRST, name))
    for threshold in THRESHOLDS[: len(suffixes)]:
        for linkage in LINKAGES:
            suffix = ", by size" if threshold == THRESHOLDS[1] else ""
            for chosen in ("learned", "scanned"):
                label = f"{metric}, {linkage}{suffix}, {chosen}"
                found.append(Row(label, metric, linkage, threshold, chosen))
    for linkage in LINKAGES:
        label = f"nothing, {linkage}, scanned"
        found.append(Row(label, "pairs", linkage, THRESHOLDS[0], "scanned"))
    if table in SOURCE:
        found += [
            row._replace(
                label=row.label + ONE_PER_SOURCE, evaluation=row.evaluation + ONE_PER_SOURCE
            )
            for row in found
            if row.objective != "equal"
        ]
    return found


def report(records: Records, stamp: str) -> list[str]:
    """Lay out all tables, below the notes."""
    return [
        NOTES,
        stamp,
        *(_table(records, t) for t in SPLITS),
        _differences(records),
        _costs(records),
    ]


def scores(records: Records, table: str, row: Row) -> dict[int, float]:
    """Return the test score of a line by split."""
    cells = [Cell(table, s, row.objective, row.linkage, row.threshold) for s in SPLITS[table]]
    return {c.split: records[c].scores[row.evaluation].test for c in cells if c in records}


def _table(records: Records, table: str) -> str:
    lines = []
    for row in rows(table):
        found = scores(records, table, row)
        each = [f"{found[s]:.4f}" if s in found else "not run" for s in SPLITS[table]]
        # A mean over some of the splits is no mean to compare.
        mean = show(found.values()) if len(found) == len(SPLITS[table]) else "not run"
        lines.append([row.label, mean, *each])
    head = ["objective, clustering", "mean", *(f"split {s}" for s in SPLITS[table])]
    return format_table(f"{table}: {METRIC[table]}", head, lines)


def _differences(records: Records) -> str:
    """Lay out how far the learned cuts of ours are above the baselines, split by split.

    Clusters with one record per source are compared with such clusters.
    """
    lines = []
    for table in SPLITS:
        found = {row.label: scores(records, table, row) for row in rows(table)}
        equal = found["equal names or titles"]
        for suffix in ("", ONE_PER_SOURCE) if table in SOURCE else ("",):
            baselines = {
                name: scores
                for name, scores in found.items()
                if name.startswith("BCE") and name.endswith(ONE_PER_SOURCE) == bool(suffix)
            }
            named = [
                found[f"BCE, components{suffix}"],
                found[f"BCE, average{suffix}"],
                max(baselines.values(), key=lambda f: fmean(f.values() or [0])),
                equal,
            ]
            for name, ours in found.items():
                if name.endswith(f", learned{suffix}"):
                    gains = [show(_gains(ours, base), 1, 100) for base in named]
                    lines.append([table, name, *gains])
    head = ["", "ours", "BCE, components", "BCE, average", "best BCE (by its test score)", "equal"]
    return format_table("Points above the baselines", head, lines)


def _gains(ours: Mapping[int, float], base: Mapping[int, float]) -> list[float]:
    return [ours[split] - base[split] for split in ours if split in base]


def _costs(records: Records) -> str:
    lines = []
    for table in SPLITS:
        own = {cell: record for cell, record in records.items() if cell.table == table}
        for linkage in LINKAGES:
            times = [record.seconds for cell, record in own.items() if cell.linkage == linkage]
            graphs = {round(record.graph_seconds) for record in own.values()}
            memory = max((record.megabytes for record in own.values()), default=0)
            lines.append(
                [
                    table,
                    linkage,
                    show(times, 0),
                    " ".join(map(str, sorted(graphs))),
                    f"{memory:.0f}",
                ]
            )
    head = ["", "linkage", "training, s", "graphs, s", "largest memory of graphs, MB"]
    return format_table("Process time, one thread", head, lines)
