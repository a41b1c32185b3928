"""Fixtures that the tests of the benchmarks share."""

from collections.abc import Callable

import pytest

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import Score


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """Make records of cells that were not run."""

    def make(cell: Cell, accuracy: float, share: float | None = None, **splits: float) -> Record:
        named = splits or {"test": accuracy}
        scores = {name: Score(100, value, 0.25, share) for name, value in named.items()}
        return Record(cell.name, scores, 90.0, 3, 50.0, 200.0, 1, {}, {})

    return make
