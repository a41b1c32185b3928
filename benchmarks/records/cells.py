"""The cells of the tables: one training each, for one split."""

from collections.abc import Iterator
from typing import NamedTuple

SPLITS = {"authors": range(200, 205), "songs": range(200, 203), "citations": range(200, 205)}
"""Seeds of the splits of each table, and of the weights. Options were chosen on other splits."""

METRIC = {"authors": "bcubed", "songs": "pair_f1", "citations": "bcubed"}
"""The score that is reported."""

NAME = {"authors": "name", "songs": "title", "citations": "title"}
"""The column of which equal values are one entity, for the simplest baseline."""

SOURCE = {"songs": "SourceID"}
"""The column of the source, of which no two records are one entity, where there is one."""

ONE_PER_SOURCE = ", one per source"
"""Ends the name of a clustering whose clusters have one record per source at most."""

LINKAGES = ("components", "average")
THRESHOLDS = ("one", "by size")


class Cell(NamedTuple):
    """One training, and its scores.

    Attributes:
        table: "authors", "songs" or "citations".
        split: Seed of the split, the weights and the batches.
        objective: Trained score of a partition, "pairs" for none, "equal" for no training.
        linkage: The linkage that is trained through.
        threshold: "one" for all blocks, or "by size": w0 + w1 log n, both learned.
    """

    table: str
    split: int
    objective: str
    linkage: str = "none"
    threshold: str = "none"

    @property
    def name(self) -> str:
        """The name on the command line and in the records."""
        return "/".join(map(str, self)).replace(" ", "_")

    @property
    def has_baseline(self) -> bool:
        """Whether the baselines of the table and the split are scored in this cell."""
        return self[2:] == (METRIC[self.table], *FIRST)


FIRST = (LINKAGES[0], THRESHOLDS[0])


def list_cells() -> list[Cell]:
    """List all cells in the order in which they are run."""
    return list(_list_cells())


def _list_cells() -> Iterator[Cell]:
    for table, splits in SPLITS.items():
        for split in splits:
            yield Cell(table, split, "equal")
            for threshold in THRESHOLDS if table == "authors" else THRESHOLDS[:1]:
                for linkage in LINKAGES:
                    yield Cell(table, split, METRIC[table], linkage, threshold)
        for split in splits:
            yield from (Cell(table, split, "pairs", linkage, "one") for linkage in LINKAGES)
