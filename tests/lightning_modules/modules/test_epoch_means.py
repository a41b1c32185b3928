"""The means of an epoch against those of its steps, worked out by hand."""

import math
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_modules import TextDataModule, TransformModule
from lightning_modules.modules.text.weighted_mean import WeightedMean

QUESTIONS = "bundled:kindergarten.jsonl"
"""40 examples."""


class Steps(L.Callback):
    """Notes the loss and the examples of every step, and breaks off before some step."""

    def __init__(self, last: int | None = None) -> None:
        self.noted: list[tuple[float, int]] = []
        self.last = last

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        self.noted.append((float(outputs["loss"]), batch.source.num_graphs))
        if len(self.noted) == self.last:
            raise RuntimeError("broken off")


def fit(
    module: TransformModule, *callbacks: L.Callback, epochs: int = 1, resume: Path | None = None
) -> dict[str, torch.Tensor]:
    trainer = L.Trainer(
        max_epochs=epochs,
        callbacks=list(callbacks),
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    # Of the package's own making.
    trainer.fit(
        module, TextDataModule(QUESTIONS, batch_size=12), ckpt_path=resume, weights_only=False
    )
    return trainer.callback_metrics


def test_means_are_of_the_examples_of_one_epoch_and_of_no_other() -> None:
    torch.manual_seed(0)
    module = TransformModule(TextDataModule(QUESTIONS).vocabulary, channels=8, layers=1)
    broken, whole = Steps(last=2), Steps()
    with pytest.raises(RuntimeError, match="broken off"):
        fit(module, broken)
    metrics = fit(module, whole, epochs=2)
    assert [size for _, size in whole.noted] == 2 * [12, 12, 12, 4]
    mean = sum(loss * size for loss, size in whole.noted[4:]) / 40
    assert float(metrics["train/loss"]) == pytest.approx(mean, rel=1e-5)
    parts = metrics["train/structural"] + metrics["train/cross_entropy"]
    assert float(parts) == pytest.approx(mean, rel=1e-5)
    assert 0 < float(metrics["train/coarsening_ratio"]) <= 1
    assert float(metrics["train/raw_threshold_grad"]) != 0


@pytest.mark.filterwarnings("ignore:You.re resuming", "ignore:Checkpoint directory")
def test_means_go_on_where_a_module_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = TransformModule(TextDataModule(QUESTIONS).vocabulary, channels=8, layers=1)
    kept = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=1, save_top_k=-1)
    with pytest.raises(RuntimeError, match="broken off"):
        fit(module, Steps(last=3), kept)
    steps = Steps()
    metrics = fit(module, steps, kept, resume=tmp_path / "step=2.ckpt")
    assert len(steps.noted) == 2
    mean = sum(loss * size for loss, size in steps.noted) / sum(size for _, size in steps.noted)
    assert float(metrics["train/loss"]) == pytest.approx(mean, rel=1e-5)


def test_what_has_gone_wrong_is_not_left_out_of_a_mean() -> None:
    mean = WeightedMean()
    mean.update(torch.tensor(1.0), 2)
    mean.update(torch.tensor(float("nan")), 1)
    assert math.isnan(mean.compute())
