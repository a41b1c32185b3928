"""A run in numbers."""

from typing import Any

import torch

from lightning_modules.callbacks import RunRecorder
from lightning_modules.datamodule import TextDataModule
from lightning_modules.expected_loss import mean_expected_loss
from lightning_modules.module import TransformModule

LOSSES = ("train/loss", "train/structural", "train/cross_entropy")


def summarize_training(
    module: TransformModule, data: TextDataModule, recorder: RunRecorder
) -> dict[str, Any]:
    """First and last values of the epochs' means and of the threshold; how long it took.

    The last threshold is that of the weights that were kept, and the expected losses are at both
    thresholds, all other weights being those.
    """
    raw_first, curves = recorder.raw_first, recorder.curves
    raw_last = float(module.net.pool.raw_threshold.detach())
    batches = list(data.loader("train"))
    epochs = len(curves["train/loss"])
    ends = {
        f"{name.removeprefix('train/')}_{end}": curves[name][index]
        for name in LOSSES
        for end, index in (("first", 0), ("last", -1))
    }
    return {
        **ends,
        "raw_threshold_first": raw_first,
        "raw_threshold_last": raw_last,
        "threshold_first": float(torch.tensor(raw_first).sigmoid()),
        "threshold_last": float(torch.tensor(raw_last).sigmoid()),
        "expected_loss_at_first_threshold": mean_expected_loss(module, batches, raw_first),
        "expected_loss_at_last_threshold": mean_expected_loss(module, batches, raw_last),
        "epochs": epochs,
        "seconds": recorder.seconds,
        "validation_seconds": recorder.validating,
        "examples_per_second": recorder.examples / recorder.training,
    }
