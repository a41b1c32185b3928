"""The recipe of training for a partition, as a callback."""

import math
from typing import Any

import lightning as L

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.options import expect_between, expect_share


class PartitionRecipe(L.Callback):
    """Start with binary cross-entropy, then train the partition while the temperature falls.

    In the first phase the module's ``is_warm`` is True. In the second one it is False, and the
    temperature of every ``ThresholdMergePool`` of the module falls by half a cosine. In each phase
    the learning rates fall to 0 likewise, but for parameter groups with ``"constant": True``, such
    as that of the threshold, which is fitted last. All depends on the step alone, so a resumed run
    goes on as it would have.

    Args:
        warm_share: Share of the steps in the first phase.
        temperature: T at the start of the second phase.
        last_temperature: T at its end.
        second_lr: Learning rates at the start of the second phase, as multiples of those of the
            first.

    Raises:
        ValueError: if an option is invalid, or neither 'max_epochs' nor 'max_steps' says how long
            the run is.
    """

    def __init__(
        self,
        warm_share: float = 0.6,
        temperature: float = 1.0,
        last_temperature: float = 0.3,
        second_lr: float = 1 / 3,
    ) -> None:
        self.warm_share = expect_share("warm_share", warm_share)
        self.temperature = expect_between("temperature", temperature, 0, math.inf, "positive")
        self.last_temperature = expect_between(
            "last_temperature", last_temperature, 0, math.inf, "positive"
        )
        self.second_lr = expect_between("second_lr", second_lr, 0, math.inf, "positive")

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set phase, temperature and learning rates of the step."""
        steps = trainer.estimated_stepping_batches
        if math.isinf(steps):
            raise ValueError(
                "Expected 'max_epochs' or 'max_steps' to say how long the run is (got neither)"
            )
        done, warm = trainer.global_step / steps, self.warm_share
        is_warm = done < warm
        phase = done / warm if is_warm else (done - warm) / (1 - warm)
        pl_module.is_warm = is_warm  # type: ignore[assignment]
        left = (1 + math.cos(math.pi * phase)) / 2
        if not is_warm:
            temperature = self.last_temperature + left * (self.temperature - self.last_temperature)
            for module in pl_module.modules():
                if isinstance(module, ThresholdMergePool):
                    module.temperature = temperature
        factor = 1 if is_warm else self.second_lr
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                first = group.setdefault("initial_lr", group["lr"])
                group["lr"] = factor * first * (1 if group.get("constant") else left)
