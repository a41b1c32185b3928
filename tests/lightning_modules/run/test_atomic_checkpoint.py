"""The files of a run that is killed while it writes them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.checkpoint import read_checkpoint
from lightning_modules.run.run_logger import RunLogger


def test_lines_that_a_kill_has_left_or_lost_are_mended(tmp_path: Path) -> None:
    logger = RunLogger(tmp_path, "cars", "version_0")
    logger.log_metrics({"val/loss": 1.5, "epoch": 0}, step=2)
    logger.log_metrics({"train/loss": torch.tensor(0.5), "epoch": 0}, step=2)
    logger.log_metrics({"train/loss": 0.25, "epoch": 2}, step=8)  # trained and not kept
    with logger.path.open("a") as file:
        file.write("2,,0.1")
    logger = RunLogger(tmp_path, "cars", "version_0")
    logger.resume([{"epoch": i, "train/loss": 9.0, "step": 3 * i + 2} for i in range(2)])
    logger.log_metrics({"train/loss": 0.125, "epoch": 2}, step=8)
    assert logger.path.read_text(encoding="utf-8") == (
        "epoch,step,train/loss,val/loss\n0,2,,1.5\n0,2,0.5,\n1,5,9.0,\n2,8,0.125,\n"
    )


def test_a_kill_while_writing_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1, "state_dict": {}}, path)

    def half(self: object, checkpoint: dict[str, Any], path: Path, options: object) -> None:
        path.write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(TorchCheckpointIO, "save_checkpoint", half)
    with pytest.raises(KeyboardInterrupt):
        AtomicCheckpointIO().save_checkpoint({"epoch": 2, "state_dict": {}}, path)
    assert read_checkpoint(path)["epoch"] == 1
