"""The progress bar of a run."""

import sys

import pytest
from lightning import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from lightning_modules.run.run_progress_bar import RunProgressBar


@pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers")
@pytest.mark.parametrize(("terminal", "lines"), [(True, 1), (False, 3)])
def test_twelve_epochs_show_one_bar_or_few_lines(
    terminal: bool,
    lines: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    trainer = Trainer(
        max_epochs=12,
        limit_train_batches=2,
        limit_val_batches=1,
        log_every_n_steps=1,
        logger=False,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[RunProgressBar(lines=3)],
    )
    capsys.readouterr()
    trainer.fit(BoringModel())
    printed = capsys.readouterr().out
    assert printed.count("\n") == lines
    if terminal:
        assert "epoch 12: 100%" in printed
        assert "24/24" in printed
    else:
        heads = [line.split(":")[0] for line in printed.splitlines()]
        assert heads == [f"epoch {epoch} of 12" for epoch in (4, 8, 12)]
