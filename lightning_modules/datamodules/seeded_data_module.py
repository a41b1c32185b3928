"""The order of data in an epoch, and the shares of several processes."""

from collections.abc import Sized
from typing import Any, TypeVar

import lightning as L
import torch

from lightning_modules.run.epoch_seed import mix_seed
from lightning_modules.run.samplers import SharedSampler, UnpaddedDistributedSampler

Source = TypeVar("Source")


class SeededDataModule(L.LightningDataModule):
    """Data that are shuffled in an order that depends on the seed of the run and the epoch alone.

    Several processes read disjoint shares.

    Attributes:
        batch_size: Examples per batch of a process.
    """

    batch_size: int

    def __init__(self) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self.seed_of_order = torch.initial_seed()

    def train_sampler(self, items: Sized) -> SharedSampler:
        """Shuffle items, of which each of n processes reads every n-th."""
        seed = mix_seed("order", self.seed_of_order)
        return SharedSampler(items, *self._processes(), seed=seed, batch_size=self.batch_size)

    def val_sampler(self, items: Any) -> UnpaddedDistributedSampler:
        """Share out items in order, each once."""
        return UnpaddedDistributedSampler(items, *self._processes(), shuffle=False)

    def state_dict(self) -> dict[str, Any]:
        """Return the seed of the order."""
        return {"seed_of_order": self.seed_of_order}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the order of the resumed run."""
        self.seed_of_order = state_dict["seed_of_order"]

    def _processes(self) -> tuple[int, int]:
        """Return the number of processes and the rank of this one."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)


def name_splits(
    train: Source, val: Source | None, test: dict[str, Source] | None
) -> dict[str, Source]:
    """Return the sources of all splits by name; refuse test splits named "train" or "val"."""
    if test and (taken := {"train", "val"} & test.keys()):
        raise ValueError(f"Expected 'test' to have names of its own (got {sorted(taken)})")
    return {"train": train, **({"val": val} if val else {}), **(test or {})}
