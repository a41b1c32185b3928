"""The table of what was logged."""

import csv
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.core.saving import save_hparams_to_yaml
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from pyg_grapheme.atomic_write import atomic_write

Row = Mapping[str, Any]


class RunLogger(CSVLogger):
    """Write ``metrics.csv``, each line at once, to a table that may be there already.

    Lightning's own logger deletes the table of a run that goes on, and holds back the newest lines,
    which are lost when a run is killed.
    """

    @property
    def path(self) -> Path:
        """Where the table is."""
        return Path(self.log_dir) / "metrics.csv"

    @property
    def experiment(self) -> Any:
        """Nothing: Lightning's would delete the table."""
        return None

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        """Write ``hparams.yaml``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_hparams_to_yaml(str(self.path.with_name("hparams.yaml")), params or {})

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write one line; of what has had no column yet, the whole table with one more column."""
        row = {name: _as_number(value) for name, value in metrics.items()} | {"step": step}
        columns = self._columns()
        if set(row) <= set(columns):
            with self.path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, columns, lineterminator="\n").writerow(row)
        else:
            self._write([*self._rows(), row])

    def save(self) -> None:
        """Do nothing: all is written."""

    def finalize(self, status: str) -> None:
        """Do nothing: all is written."""

    @rank_zero_only
    def resume(self, trained: Sequence[Row]) -> None:
        """Drop rows of unfinished epochs; add those that a kill has kept from being written.

        Args:
            trained: One row per finished epoch, for epochs that have no row of their training.
        """
        rows = [row for row in self._rows() if _number(row.get("epoch")) < len(trained)]
        there = {_number(row["epoch"]) for row in rows if row.get("train/loss")}
        rows += [row for row in trained if row["epoch"] not in there]
        self._write(sorted(rows, key=lambda row: _number(row["epoch"])))

    def _columns(self) -> list[str]:
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])

    def _rows(self) -> list[Row]:
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            # A line without an end was being written when the run was killed.
            return list(csv.DictReader(line for line in file if line.endswith("\n")))

    def _write(self, rows: Sequence[Row]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as file:
            columns = sorted({name for row in rows for name in row})
            table = csv.DictWriter(file, columns, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def _as_number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) else value


def _number(epoch: Any) -> float:
    """Number of an epoch as read from a table; what belongs to none counts as the first."""
    return float(epoch) if epoch not in (None, "") else 0.0
