"""In which order examples are read, and by which of several processes."""

from collections.abc import Iterator, Sized
from typing import Any

from torch.utils.data import Dataset, DistributedSampler


class UnpaddedDistributedSampler(DistributedSampler[Any]):
    """Every n-th example of a dataset, in order, each in one of n processes.

    PyTorch's sampler reads some examples twice for equal shares, which metrics must not.

    Args:
        dataset: Of any length, 0 included.
        num_replicas: n.
        rank: Number of this process.
    """

    def __init__(self, dataset: Dataset[Any], num_replicas: int, rank: int) -> None:
        super().__init__(dataset, num_replicas, rank, shuffle=False)

    def __iter__(self) -> Iterator[int]:
        """Numbers of the examples."""
        return iter(self._share())

    def __len__(self) -> int:
        """How many they are."""
        return len(self._share())

    def _share(self) -> range:
        assert isinstance(self.dataset, Sized)
        return range(self.rank, len(self.dataset), self.num_replicas)
