"""Random numbers that depend on the epoch, not on what came before it."""

import random
from typing import Any

import lightning as L
import numpy as np
import torch


class EpochSeed(L.Callback):
    """Seed all generators anew at the start of every epoch.

    What an epoch draws (features to drop, cuts) follows from the seed of the run, the number of the
    epoch and the process alone. A run that goes on after a kill therefore draws what it would have
    drawn, however much validation, or the report of another run, has drawn in between.
    """

    def __init__(self) -> None:
        self.seed: int | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take the seed that was set for the run."""
        self.seed = torch.initial_seed()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed the generators of Python, NumPy and torch."""
        seed = mix_seed("epoch", self.seed, trainer.current_epoch, trainer.global_rank)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        """Keep the seed of the run."""
        return {"seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the seed of the run that was begun."""
        self.seed = state_dict["seed"]


def mix_seed(*parts: object) -> int:
    """Make one seed of 32 bits of several things, unlike that of any others.

    >>> mix_seed("epoch", 0, 1) != mix_seed("epoch", 1, 0)
    True
    """
    return random.Random(repr(parts)).getrandbits(32)
