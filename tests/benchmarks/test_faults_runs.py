"""The faults of ``benchmarks.faults`` that need a training run, a few of each kind."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.cell_records import read_lines
from benchmarks.faults.__main__ import CHECKS, Check, repeat, run, table
from benchmarks.faults.outcome import Outcome, attempt
from benchmarks.faults.training import checkpoint_damage, kills, resuming
from benchmarks.faults.training.checkpoints import damage_checkpoints
from benchmarks.faults.training.full_disk import fill_disks
from benchmarks.faults.training.kills import kill_runs
from benchmarks.faults.training.resuming import HALF, KEPT, survive
from benchmarks.faults.training.run_ends import are_equal, differences, unreadable
from benchmarks.faults.training.runs import EPOCHS, log_of, text_options, train
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.checkpoint import read_checkpoint

pytestmark = pytest.mark.filterwarnings(
    # Lightning asks torch and jsonargparse in ways that these are about to drop.
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    # Two cores are not worth worker processes, and the data lies in memory.
    "ignore:The '.*_dataloader' does not have many workers",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "sent", "half_written"),
    [("text", signal.SIGKILL, 1), ("text", signal.SIGTERM, 0), ("partition", signal.SIGINT, 0)],
)
def test_a_killed_run_ends_as_one_that_was_not(
    task: str, sent: signal.Signals, half_written: int, tmp_path: Path
) -> None:
    """Once at any moment, and once while it writes a checkpoint."""
    outcome = kill_runs(task, {sent: 2}, 0, tmp_path)
    assert outcome[:4] == (2, 2, 0, [])
    assert outcome.notes.get(HALF, 0) == half_written


@pytest.mark.slow
@pytest.mark.parametrize("task", ["text", "partition"])
def test_runs_whose_disk_was_full_end_as_one_with_room(task: str, tmp_path: Path) -> None:
    try:
        outcome = fill_disks(task, 1, tmp_path)
    except PermissionError as error:
        pytest.skip(f"{error}")
    assert outcome[:4] == (1, 1, 0, [])


class Ended:
    """A process that has ended."""

    def __init__(self, status: int | None) -> None:
        self.status = status


@pytest.mark.parametrize(
    ("status", "sent", "found"),
    [
        (-9, signal.SIGKILL, []),
        (0, signal.SIGKILL, ["status 0"]),
        (None, signal.SIGINT, ["it hangs"]),
        (1, signal.SIGINT, ["half-written files: ['last.ckpt.part']"]),
        (-15, signal.SIGTERM, []),
        (2, signal.SIGTERM, ["status 2"]),
        (0, signal.SIGTERM, ["status 0, though the run is not over"]),
    ],
)
def test_ends_that_are_wrong_are_found(
    status: int | None,
    sent: signal.Signals,
    found: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kills, "wait", lambda process: process.status)
    folder = tmp_path / "runs" / "version_0"
    folder.mkdir(parents=True)
    (folder / "last.ckpt.part").touch()
    ends = kills.wrong_end(Ended(status), sent, tmp_path)  # type: ignore[arg-type]
    assert len(ends) == len(found)
    assert all(end.startswith(text) for end, text in zip(ends, found, strict=True))


def test_a_run_that_starts_again_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of the first one, and what the second one does, are made up."""
    folder = tmp_path / "killed"
    checkpoints = folder / "name" / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "epoch": 2}, checkpoints / "last.ckpt")
    log, whole = log_of(folder), "".join(f"epoch {number}\n" for number in range(EPOCHS))
    monkeypatch.setattr(resuming, "differences", lambda *_: [])
    monkeypatch.setattr(resuming, "wait", lambda process: 0)

    def go_on(says: str, new: str) -> list[str]:
        def start(options: list[str], _: Path) -> None:
            with log.open("a") as file:
                file.write(says)
            (checkpoints.parents[1] / new).mkdir(exist_ok=True)

        monkeypatch.setattr(resuming, "start", start)
        log.write_text("epoch 0\nepoch 1\nepoch 2\nepoch 3\n")
        outcome = survive("how", [], folder, tmp_path, list)
        assert dict(outcome.notes) == {KEPT: 1}
        return outcome.failures

    assert go_on(whole[3 * len("epoch 0\n") :], "version_0") == []
    assert "and trains [0, 1, 2, 3, 4, 5, 6, 7]" in go_on(whole, "version_0")[0]
    log.write_text("")
    assert "starts again in another folder" in go_on(whole, "version_1")[0]
    AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "epoch": 1}, checkpoints / "last.ckpt")
    assert "lost a checkpoint" in go_on(whole, "version_1")[0]


def test_a_traceback_of_a_stopped_run_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kills, "wait", lambda process: process.status)
    log_of(tmp_path / "runs").write_text("Traceback (most recent call last):\n")
    (end,) = kills.wrong_end(Ended(1), signal.SIGINT, tmp_path / "runs")  # type: ignore[arg-type]
    assert end.startswith("a traceback")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["text", "partition", "records"])
def test_damaged_checkpoints_are_refused(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_damage, "CUTS", 2)
    monkeypatch.setattr(checkpoint_damage, "FLIPS", 4)
    outcome = damage_checkpoints(task, 0, tmp_path)
    assert outcome.failures == []
    assert outcome.tried == outcome.survived + outcome.refused + len(outcome.failures)
    assert outcome.refused > 3 * 14


def test_the_table_shows_what_has_been_tried(tmp_path: Path) -> None:
    outcomes = iter([Outcome(9, 5, 3, ["one"]), Outcome(9, 6, 3, [], {"with a note": 4})])
    checks = [Check(name, f"says {name}", lambda folder: next(outcomes)) for name in ("a", "b")]
    records = tmp_path / "faults.jsonl"

    def rows() -> list[list[str]]:
        lines = [line.split("|") for line in table(checks, records).splitlines()]
        return [[cell.strip() for cell in line[1:6]] for line in lines[-2:]]

    assert run(checks[:1], records) == 1
    assert rows() == [["says a", "9", "5", "3", "1"], ["says b", *["not run"] * 4]]
    assert run(checks[:1], records) == 0  # It is tried again, since it has failed.
    assert rows()[0] == ["says a; 4 with a note", "9", "6", "3", "0"]
    assert run(checks[:1], records) == 0  # A third time would be an error.


def test_an_exception_is_a_failure_and_does_not_end_the_others(tmp_path: Path) -> None:
    def fail(folder: Path) -> Outcome:
        raise KeyError("name")

    checks = [Check("a", "", fail), Check("b", "", lambda folder: Outcome(1, 1, 0, []))]
    assert run(checks, tmp_path / "faults.jsonl") == 1
    lines = read_lines(tmp_path / "faults.jsonl")
    assert lines["a"]["failures"][0].startswith("KeyError at test_faults_runs.py:")
    assert lines["b"]["survived"] == 1
    (failure,) = attempt("how", lambda: [str(1 // 0)]).failures
    assert failure.startswith("how: ZeroDivisionError")


def test_one_case_is_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    edits = [check for check in CHECKS if check.name == "edits"]
    assert repeat(edits, "0/7") == 0
    assert capsys.readouterr().out == "0/7: (1, 1, 0)\n"
    with pytest.raises(ValueError, match="Expected '--only readers' or '--only edits' with"):
        repeat(CHECKS, "0/7")


@pytest.mark.slow
def test_what_differs_between_two_runs_is_found(tmp_path: Path) -> None:
    """A weight by one bit, a moment of the optimizer, a logged value, files, half a checkpoint."""
    whole = train(text_options(tmp_path), tmp_path / "first")
    other = tmp_path / "other" / "version_0"
    shutil.copytree(whole, other)
    for path in (other / "checkpoints").iterdir():
        content = torch.load(path, weights_only=True)
        moved = replace_text(content, str(whole), str(other))
        AtomicCheckpointIO().save_checkpoint(moved, path)
    assert differences(whole, other) == unreadable(other) == []
    path = other / "checkpoints" / "model.ckpt"
    content = read_checkpoint(path)
    bias = content["state_dict"]["net.activation.bias"]
    bias.copy_(torch.nextafter(bias, bias + 1))
    content["optimizer_states"][0]["state"][0]["exp_avg"][0] += 1
    content["more"] = 1
    AtomicCheckpointIO().save_checkpoint(content, path)
    curves = (other / "metrics.csv").read_text().splitlines()
    (other / "metrics.csv").write_text("\n".join([*curves[:-1], curves[-1] + "1"]) + "\n")
    (other / "new.part").touch()
    (other / "loss.png").unlink()
    (other / "predictions.tsv").write_text("input\tprediction\n")
    found = differences(whole, other)
    begins = [
        *("model.ckpt: optimizer_states", "model.ckpt: state_dict.net.activation.bias"),
        *("model.ckpt: more", "", "left over: new.part", "missing: loss.png"),
        "other bytes: predictions.tsv",
    ]
    assert len(found) == len(begins)
    assert all(any(text.startswith(begin) for text in found) for begin in begins)
    path.write_bytes(path.read_bytes()[:1000])
    for name in ("config.yaml", "report.html", "summary.json", "threshold.png"):
        (other / name).write_bytes((other / name).read_bytes()[:-9])
    broken = {text.split(":")[0].split("/")[1] for text in unreadable(other)}
    assert {"model.ckpt", "report.html", "summary.json", "threshold.png"} <= broken


def replace_text(content: Any, old: str, new: str) -> Any:
    """Replace a text in all that nested dictionaries and lists hold."""
    if isinstance(content, dict):
        return {replace_text(k, old, new): replace_text(v, old, new) for k, v in content.items()}
    if isinstance(content, list):
        return [replace_text(value, old, new) for value in content]
    return content.replace(old, new) if isinstance(content, str) else content


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (torch.tensor(0.0), torch.tensor(-0.0), False),
        (torch.tensor(1.0), torch.tensor(1.0).double(), False),
        (torch.tensor(torch.nan), torch.tensor(torch.nan), True),
        (0.0, -0.0, False),
        (1, 1.0, False),
        (float("nan"), float("nan"), True),
        ("a", "a", True),
    ],
)
def test_values_are_equal_bit_for_bit(first: object, second: object, equal: bool) -> None:
    assert are_equal(first, second) == equal
