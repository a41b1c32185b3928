"""Records of a run while it trains."""

import math
import time
from typing import Any, cast

import lightning as L
import torch

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.run_logger import RunLogger


class RunRecorder(L.Callback):
    """Record what a report needs: the tracked values at the start, all curves, and the times.

    The records are part of every checkpoint, so the report of a resumed run covers all of it.
    """

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self.steps: list[int] = []
        self.first: dict[str, float] = {}
        self.seconds = self.training = self.validating = 0.0
        self.examples = self._own = 0
        self._resumed = False
        self._start = self._epoch_start = self._validation_start = 0.0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock, and forget what another run recorded."""
        if self._resumed:
            if isinstance(trainer.logger, RunLogger):
                trainer.logger.resume(self._rows())
        else:
            self.curves, self.steps = {}, []
            self.seconds = self.training = self.validating = 0.0
            self.examples = 0
            self.first = _tracked(pl_module)
        self._resumed = False
        self._start = time.perf_counter() - self.seconds

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock of the epoch, net of validation."""
        self._epoch_start, self._own = time.perf_counter() - self.validating, 0

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the examples of this process."""
        self._own += cast(TaskModule, pl_module).num_examples(batch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the epoch's means and examples, and the tracked values at its end."""
        own = torch.tensor(self._own, device=pl_module.device)
        self.examples += int(trainer.strategy.reduce(own, reduce_op="sum"))
        # An epoch without validation repeats the last validated values.
        means = {name: values[-1] for name, values in self.curves.items()} | {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(("train/", "val/"))
        }
        means |= _tracked(pl_module)
        before = len(self.steps)
        for name, value in means.items():
            self.curves.setdefault(name, [math.nan] * before).append(value)
        self.steps.append(trainer.global_step)
        now = time.perf_counter()
        self.seconds = now - self._start
        self.training += now - self._epoch_start - self.validating

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock of validation, which does not count as training."""
        self._validation_start = time.perf_counter()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the time that validation took."""
        self.validating += time.perf_counter() - self._validation_start

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the time that the run took."""
        self.seconds = time.perf_counter() - self._start

    def state_dict(self) -> dict[str, Any]:
        """Return all records."""
        return {
            "curves": {name: list(values) for name, values in self.curves.items()},
            "steps": list(self.steps),
            "first": dict(self.first),
            "seconds": self.seconds,
            "training": self.training,
            "examples": self.examples,
            "validating": self.validating,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the records of a resumed run."""
        for name, value in state_dict.items():
            setattr(self, name, value)
        self._resumed = True

    def _rows(self) -> list[dict[str, float]]:
        """Return what was logged of the training of each epoch."""
        names = [name for name in self.curves if not name.startswith("val/")]
        return [
            {"epoch": i, "step": step - 1, **{name: self.curves[name][i] for name in names}}
            for i, step in enumerate(self.steps)
        ]


def _tracked(module: L.LightningModule) -> dict[str, float]:
    return {n: float(value) for n, value in cast(TaskModule, module).tracked_values().items()}
