"""The means of an epoch against those of its steps, worked out by hand."""

import math
from typing import Any

import lightning as L
import pytest
import torch

from lightning_modules import TextDataModule, TransformModule
from lightning_modules.weighted_mean import WeightedMean


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


def fit(module: TransformModule, steps: Steps) -> dict[str, torch.Tensor]:
    trainer = L.Trainer(
        max_epochs=1,
        callbacks=[steps],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, TextDataModule(batch_size=12))
    return trainer.callback_metrics


def test_means_are_of_the_examples_of_one_epoch_and_of_no_other() -> None:
    torch.manual_seed(0)
    module = TransformModule(TextDataModule().vocabulary, channels=8, layers=1)
    broken, whole = Steps(last=2), Steps()
    with pytest.raises(RuntimeError, match="broken off"):
        fit(module, broken)
    metrics = fit(module, whole)
    assert [size for _, size in whole.noted] == [12, 12, 12, 4]
    mean = sum(loss * size for loss, size in whole.noted) / 40
    assert float(metrics["train/loss"]) == pytest.approx(mean, rel=1e-5)
    parts = metrics["train/structural"] + metrics["train/cross_entropy"]
    assert float(parts) == pytest.approx(mean, rel=1e-5)
    assert 0 < float(metrics["train/coarse_share"]) <= 1
    assert float(metrics["train/raw_threshold_grad"]) != 0


def test_what_has_gone_wrong_is_not_left_out_of_a_mean() -> None:
    mean = WeightedMean()
    mean.update(torch.tensor(1.0), 2)
    mean.update(torch.tensor(float("nan")), 1)
    assert math.isnan(mean.compute())
