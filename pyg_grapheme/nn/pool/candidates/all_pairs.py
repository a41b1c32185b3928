"""All pairs of nodes inside each graph."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyg_grapheme.graphs import batch_ptr


class AllPairs:
    """All pairs of nodes inside each graph, sorted, in blocks [2, m]; at least one block.

    Each pair is listed once, with its smaller node first. Blocks are generated on demand.

    Args:
        batch: [N], sorted.
        num_graphs: B.
        block_size: Largest number of pairs per block; None for a single block.

    Cost: O(N) memory, and O(block_size log N) time per block.
    """

    def __init__(self, batch: Tensor, num_graphs: int, block_size: int | None) -> None:
        nodes = torch.arange(batch.numel(), device=batch.device)
        # Node i is the first node of as many pairs as nodes follow it in its graph.
        count = batch_ptr(batch, num_graphs)[batch + 1] - nodes - 1
        self.end = count.cumsum(0)
        self.start = self.end - count
        self.total = int(self.end[-1]) if nodes.numel() else 0
        self.block_size = max(1, self.total) if block_size is None else block_size

    def __len__(self) -> int:
        return max(1, -(-self.total // self.block_size))

    def block(self, index: int) -> Tensor:
        """Return one of the blocks, [2, m]."""
        first = index * self.block_size
        last = min(first + self.block_size, self.total)
        position = torch.arange(first, last, device=self.end.device)
        low = torch.searchsorted(self.end, position, right=True)
        return torch.stack([low, low + 1 + position - self.start[low]])

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.block, range(len(self)))
