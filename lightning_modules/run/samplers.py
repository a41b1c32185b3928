"""The share of each process in a set that metrics are computed on."""

from collections.abc import Iterator, Sized
from typing import Any

from torch.utils.data import DistributedSampler


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
