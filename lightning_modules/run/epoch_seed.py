"""Random numbers that depend on the epoch alone."""

import random
from typing import Any

import lightning as L
import numpy as np
import torch


class EpochSeed(L.Callback):
    """Seed all generators at the start of every epoch.

    The random numbers of an epoch (dropped features, sampled cuts) depend only on the seed of the
    run, the epoch and the process. A resumed run therefore draws the same numbers, whatever
    validation or another run has drawn in between.
    """

    def __init__(self) -> None:
        self.seed: int | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Store the seed of the run."""
        self.seed = torch.initial_seed()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed the generators of Python, NumPy and torch."""
        seed = mix_seed("epoch", self.seed, trainer.current_epoch, trainer.global_rank)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        """Return the seed of the run."""
        return {"seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the seed of the resumed run."""
        self.seed = state_dict["seed"]


def mix_seed(*parts: object) -> int:
    """Return a seed of 32 bits that depends on all parts and their order.

    >>> mix_seed("epoch", 0, 1) != mix_seed("epoch", 1, 0)
    True
    """
    return random.Random(repr(parts)).getrandbits(32)
