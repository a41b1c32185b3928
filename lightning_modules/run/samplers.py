"""The share of each process in the examples of an epoch, or of a set to compute metrics on."""

from collections.abc import Iterator, Sized
from typing import Any

from torch.utils.data import DistributedSampler


class SharedSampler(DistributedSampler[int]):
    """Every n-th example in a random order, which does not depend on the number n of processes.

    So the batches of n processes are together those of one process with n times the batch size.
    Shares differ by up to one example. All processes have the same number of batches: if the last
    ones would have no example for some processes, the first examples of the epoch follow again.
    """

    def __init__(
        self, dataset: Sized, num_processes: int, rank: int, *, seed: int, batch_size: int
    ) -> None:
        super().__init__(dataset, 1, 0, seed=seed)  # type: ignore[arg-type]
        last = len(dataset) % (num_processes * batch_size)
        missing = max(0, num_processes - last) if last else 0
        self._share = range(rank, len(dataset) + missing, num_processes)

    def __iter__(self) -> Iterator[int]:
        order = list(super().__iter__())
        return iter([order[index % len(order)] for index in self._share])

    def __len__(self) -> int:
        return len(self._share)


class UnpaddedDistributedSampler(DistributedSampler[Any]):
    """Every n-th example of a dataset, in order, each in one of n processes.

    PyTorch's sampler repeats examples for equal shares, which metrics must not see. Lightning's
    ``UnrepeatedDistributedSampler`` refuses datasets smaller than the number of processes.
    """

    def _share(self) -> range:
        assert isinstance(self.dataset, Sized)
        return range(self.rank, len(self.dataset), self.num_replicas)

    def __iter__(self) -> Iterator[int]:
        return iter(self._share())

    def __len__(self) -> int:
        return len(self._share())
