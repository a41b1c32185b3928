"""Large inputs, long runs and several processes, small."""

from mmap import mmap
from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks.faults import large, long_texts
from benchmarks.faults.fuzzing.reader import save
from benchmarks.faults.fuzzing.text_readers import keeping_model
from benchmarks.faults.large import CHECKS
from benchmarks.faults.own_process import find_in_own_process
from benchmarks.faults.training import long_runs
from benchmarks.faults.training.long_runs import FIT, KINDS, train_long
from benchmarks.faults.training.processes import predict_in_processes, train_in_processes
from lightning_modules.modules.records import predict as records_predict

pytestmark = pytest.mark.filterwarnings(
    # Lightning asks torch and jsonargparse in ways that these are about to drop.
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    # Two cores are not worth worker processes, and the data lies in memory.
    "ignore:The '.*_dataloader' does not have many workers",
)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find in this process: a new one takes seconds."""
    for module in (large, long_texts):
        monkeypatch.setattr(module, "find_in_own_process", lambda find, *given: find(*given))
    monkeypatch.setattr(long_runs, "call_in_own_process", lambda call, *given: call(*given))


@pytest.mark.usefixtures("here")
def test_graphs_agree_with_scipy(tmp_path: Path) -> None:
    assert large.large_graphs(tmp_path, 2000)[:4] == (5, 5, 0, [])


@pytest.mark.usefixtures("here")
def test_another_result_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "cut", lambda graph: False)
    outcome = large.large_graphs(tmp_path, 50)
    assert outcome[:4] == (5, 4, 0, ["50 nodes, cut: another result"])


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_texts_are_answered_up_to_the_limit(tmp_path: Path) -> None:
    assert long_texts.long_texts(tmp_path, (300, 100))[:4] == (14, 5, 9, [])


def test_a_wrong_answer_to_a_long_text_is_found(tmp_path: Path) -> None:
    given = [f"--ckpt_path={save(keeping_model(), tmp_path / 'text.ckpt')}"]
    assert long_texts.predict_long(20, 20, given, tmp_path) == []
    (found,) = long_texts.predict_long(20, 10, given, tmp_path)[1:]
    assert found.startswith("status 0")


@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own() -> None:
    assert find_in_own_process(list, ["wrong"]) == ["wrong"]


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", [*KINDS, FIT])
def test_memory_is_measured_twice(kind: str, tmp_path: Path) -> None:
    outcome = train_long(kind, tmp_path, 20)
    assert outcome.tried == 1
    assert all("MiB more" in failure for failure in outcome.failures)
    assert len(long_runs.MEMORY) == 2


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("mebibytes", "failures"), [(0, 0), (4, 1)])
def test_memory_that_grows_is_found(
    mebibytes: int, failures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    def step(index: int) -> None:
        if mebibytes:  # Fresh pages: what Python has freed would not grow.
            kept.append(mmap(-1, mebibytes * 2**20))
            kept[-1].write(b"x" * len(kept[-1]))

    monkeypatch.setitem(KINDS, "leak", lambda: step)
    outcome = train_long("leak", tmp_path, 20)
    assert len(outcome.failures) == failures
    first, last = outcome.notes.values()
    assert last - first == pytest.approx(18 * 1024 * mebibytes, abs=16 * 1024)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "processes"), [("pooled partition", 2), ("text", 4)])
def test_several_processes_train_as_one_does(model: str, processes: int, tmp_path: Path) -> None:
    outcome = train_in_processes(model, tmp_path, (processes,))
    assert outcome[:4] == (1, 1, 0, [])


@pytest.mark.slow
def test_two_processes_write_each_record_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Mock(wraps=records_predict.ProcessPoolExecutor)
    monkeypatch.setattr(records_predict, "ProcessPoolExecutor", pool)
    assert predict_in_processes(tmp_path, (2,))[:4] == (1, 1, 0, [])
    assert [call.args[0] for call in pool.call_args_list] == [2]  # none for a single process
