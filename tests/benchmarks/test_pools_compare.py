"""Timing of two checkouts against each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.checkout import ROOT
from benchmarks.pools.compare import Answer, Turn, compare_row, start_worker, table_line

TURN = Turn("chain_1e3", "components, none", 0.01)


def test_checkouts_take_turns_and_the_warm_up_does_not_count() -> None:
    asked: list[tuple[str, float]] = []

    def worker(name: str, seconds: list[float]) -> Callable[[Turn], Answer]:
        runs = iter(seconds)

        def ask(turn: Turn) -> Answer:
            asked.append((name, turn.seconds))
            return [next(runs)]

        return ask

    found = compare_row(
        [worker("old", [9, 0.75, 0.25]), worker("new", [9, 0.125, 0.375])], TURN, turns=2
    )
    assert found == [0.5, 0.25]
    order = [("new", 0), ("old", 0), ("old", 0.01), ("new", 0.01), ("new", 0.01), ("old", 0.01)]
    assert asked == order
    line = table_line("chain", "forward", [[0.001, 0.002], [0.003, 0.003], [0.002, 0.009]])
    assert line == ["chain", "forward", "2", "3", "1.50"]


def test_a_row_that_a_checkout_does_not_run_has_no_times() -> None:
    for answer, found in ((None, None), ("TypeError: no", "new: TypeError: no")):
        assert compare_row([lambda turn: [1.0], lambda turn, a=answer: a], TURN, 2) == found


@pytest.mark.slow
def test_a_worker_times_the_package_of_its_checkout() -> None:
    with start_worker(ROOT, threads=1) as ask:
        first, unknown = ask(TURN), ask(TURN._replace(row="no such row"))
    assert isinstance(first, list)
    assert min(first) > 0
    assert unknown == "KeyError: 'no such row'"


def test_a_folder_without_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Expected the root of a checkout"):
        start_worker(tmp_path, threads=1).__enter__()
