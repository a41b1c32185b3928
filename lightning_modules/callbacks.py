"""What is noted while a run goes on."""

import math
import time
from typing import Any

import lightning as L

from lightning_modules.module import TransformModule
from lightning_modules.run.run_logger import RunLogger
from pyg_grapheme.text import GraphPair


class RunRecorder(L.Callback):
    """Keep what a run's report needs: where it started, and every epoch's means.

    All of it is in the checkpoints, so that of a run which was killed and goes on, the report
    covers the whole.
    """

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self.steps: list[int] = []
        self.start = self.raw_first = self.seconds = self.training = self.validating = 0.0
        self.examples = 0
        self._goes_on = False
        self._epoch_start = self._validation_start = 0.0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note where things stand."""
        if self._goes_on:
            if isinstance(trainer.logger, RunLogger):
                trainer.logger.go_on(self._rows())
        else:
            self.curves, self.steps = {}, []
            self.seconds = self.training = self.validating = 0.0
            self.examples = 0
            self.raw_first = _raw_threshold(pl_module)
        self._goes_on = False
        self.start = time.perf_counter() - self.seconds

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note when, as if there were no validation in it."""
        self._epoch_start = time.perf_counter() - self.validating

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: GraphPair,
        batch_idx: int,
    ) -> None:
        """Count the examples of all processes, which share them evenly."""
        self.examples += batch.source.num_graphs * trainer.world_size

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the epoch's means, and where it has left the threshold."""
        # Of a validation that is not due in every epoch, the last values stand until the next.
        means = {name: values[-1] for name, values in self.curves.items()} | {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(("train/", "val/"))
        }
        raw = _raw_threshold(pl_module)
        means |= {"raw_threshold": raw, "threshold": 1 / (1 + math.exp(-raw))}
        before = len(self.steps)
        for name, value in means.items():
            self.curves.setdefault(name, [math.nan] * before).append(value)
        self.steps.append(trainer.global_step)
        now = time.perf_counter()
        self.seconds = now - self.start
        self.training += now - self._epoch_start - self.validating

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note when: it is no part of what training takes."""
        self._validation_start = time.perf_counter()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note how long it took."""
        self.validating += time.perf_counter() - self._validation_start

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note how long it took."""
        self.seconds = time.perf_counter() - self.start

    def state_dict(self) -> dict[str, Any]:
        """All that was noted."""
        return {
            "curves": {name: list(values) for name, values in self.curves.items()},
            "steps": list(self.steps),
            "raw_first": self.raw_first,
            "seconds": self.seconds,
            "training": self.training,
            "examples": self.examples,
            "validating": self.validating,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was noted."""
        for name, value in state_dict.items():
            setattr(self, name, value)
        self._goes_on = True

    def _rows(self) -> list[dict[str, float]]:
        """What the logger is told of the training of each epoch."""
        names = [name for name in self.curves if not name.startswith("val/")]
        return [
            {"epoch": i, "step": step - 1, **{name: self.curves[name][i] for name in names}}
            for i, step in enumerate(self.steps)
        ]


def _raw_threshold(module: L.LightningModule) -> float:
    if not isinstance(module, TransformModule):
        raise TypeError(f"Expected a TransformModule (got {type(module).__name__})")
    return float(module.net.pool.raw_threshold.detach())
