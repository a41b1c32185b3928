"""What is noted while a run goes on."""

import math
import time

import lightning as L

from lightning_modules.module import TransformModule


class RunRecorder(L.Callback):
    """Keep what a run's report needs: where it started, and every epoch's means."""

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self.start = self.raw_first = self.seconds = 0.0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note where things stand."""
        self.curves = {}
        self.start = time.perf_counter()
        self.raw_first = _raw_threshold(pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the epoch's means, and where it has left the threshold."""
        # Of a validation that is not due in every epoch, the last values stand until the next.
        means = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(("train/", "val/"))
        }
        raw = _raw_threshold(pl_module)
        means |= {"raw_threshold": raw, "threshold": 1 / (1 + math.exp(-raw))}
        before = len(self.curves.get("threshold", ()))
        for name, value in means.items():
            self.curves.setdefault(name, [math.nan] * before).append(value)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note how long it took."""
        self.seconds = time.perf_counter() - self.start


def _raw_threshold(module: L.LightningModule) -> float:
    if not isinstance(module, TransformModule):
        raise TypeError(f"Expected a TransformModule (got {type(module).__name__})")
    return float(module.net.pool.raw_threshold.detach())
