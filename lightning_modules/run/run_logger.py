"""The table of what was logged."""

import csv
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

Row = Mapping[str, Any]


class RunLogger(CSVLogger):
    """Write ``metrics.csv``, each row at once; continue the table of a run that is resumed.

    Lightning's own logger deletes the table of a resumed run.

    Args:
        save_dir: Folder of all runs.
        name: Name of the experiment.
        version: Folder of the run to resume; None for a new run.
    """

    def __init__(self, save_dir: Path, name: str, version: str | None = None) -> None:
        super().__init__(save_dir, name, version, flush_logs_every_n_steps=1)
        self._earlier = _read_rows(self.path) if version is not None else []

    @property
    def path(self) -> Path:
        """Path of the table."""
        return Path(self.log_dir) / "metrics.csv"

    @property
    def experiment(self) -> Any:
        """Lightning's writer of the table."""
        with warnings.catch_warnings():
            # The folder holds the configuration, and everything else in a resumed run.
            warnings.filterwarnings("ignore", "Experiment logs directory .* exists")
            return super().experiment

    @rank_zero_only
    def resume(self, trained: Sequence[Row]) -> None:
        """Write the earlier table without rows of unfinished epochs.

        Args:
            trained: One row per finished epoch, for epochs whose own row was lost by a kill.
        """
        rows = [row for row in self._earlier if _epoch(row) < len(trained)]
        written = {_epoch(row) for row in rows if row.get("train/loss")}
        rows += [row for row in trained if row["epoch"] not in written]
        self.experiment.metrics = sorted(rows, key=_epoch)
        self.experiment.save()


def _read_rows(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        # A line without an end was being written when the run was killed.
        return list(csv.DictReader(line for line in file if line.endswith("\n")))


def _epoch(row: Row) -> float:
    """Return the epoch of a row; rows without one count as the first."""
    return float(row.get("epoch") or 0)
