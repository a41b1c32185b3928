"""The faults of ``benchmarks.faults`` that need a training run, a few of each kind."""

from pathlib import Path

import pytest
import torch

from benchmarks.faults import checkpoints
from benchmarks.faults.__main__ import Check, run, table
from benchmarks.faults.checkpoints import damage_checkpoints
from benchmarks.faults.full_disk import fill_disks
from benchmarks.faults.kills import kill_runs
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.runs import differences, text_options, train, unreadable
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.checkpoint import read_checkpoint

pytestmark = pytest.mark.filterwarnings(
    # Lightning asks torch and jsonargparse in ways that these are about to drop.
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    # Two cores are not worth worker processes, and the data lies in memory.
    "ignore:The '.*_dataloader' does not have many workers",
)


def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    assert kill_runs("text", 1, 0, tmp_path) == (1, 1, 0, [])


def test_runs_whose_disk_was_full_end_as_one_with_room(tmp_path: Path) -> None:
    try:
        outcome = fill_disks("text", 1, tmp_path)
    except PermissionError as error:
        pytest.skip(f"{error}")
    assert outcome == (1, 1, 0, [])


@pytest.mark.parametrize("task", ["text", "partition"])
def test_damaged_checkpoints_are_refused(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CUTS", 3)
    monkeypatch.setattr(checkpoints, "FLIPS", 6)
    outcome = damage_checkpoints(task, 0, tmp_path)
    assert outcome.failures == []
    assert outcome.tried == outcome.survived + outcome.refused == 3 * (3 + 6 + 10) + 1
    assert outcome.refused > 3 * 10


def test_the_table_shows_what_has_been_tried(tmp_path: Path) -> None:
    outcome = Outcome(9, 5, 3, ["one"])
    checks = [Check(name, f"says {name}", lambda folder: outcome) for name in ("a", "b")]
    assert run(checks[:1], tmp_path / "faults.jsonl") == 1
    lines = [line.split("|") for line in table(checks, tmp_path / "faults.jsonl").splitlines()]
    assert [cell.strip() for cell in lines[-2][1:6]] == ["says a", "9", "5", "3", "1"]
    assert [cell.strip() for cell in lines[-1][1:3]] == ["says b", "not run"]


def test_what_differs_between_two_runs_is_found(tmp_path: Path) -> None:
    """A weight by one bit, a logged value, a file too many, half a checkpoint."""
    options = text_options(tmp_path)
    whole, other = (train(options, tmp_path / name) for name in ("first", "second"))
    assert differences(whole, other) == unreadable(other) == []
    path = other / "checkpoints" / "model.ckpt"
    content = read_checkpoint(path)
    bias = content["state_dict"]["net.activation.bias"]
    bias.copy_(torch.nextafter(bias, bias + 1))
    AtomicCheckpointIO().save_checkpoint(content, path)
    curves = (other / "metrics.csv").read_text().splitlines()
    (other / "metrics.csv").write_text("\n".join([*curves[:-1], curves[-1] + "1"]) + "\n")
    (other / "new.part").touch()
    found = differences(whole, other)
    assert len(found) == 3
    assert found[0] == "model.ckpt: net.activation.bias"
    assert found[2] == "left over: new.part"
    path.write_bytes(path.read_bytes()[:1000])
    assert [text.split(":")[0] for text in unreadable(other)] == ["model.ckpt"]
