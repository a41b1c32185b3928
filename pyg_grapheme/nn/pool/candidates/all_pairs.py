"""All pairs of nodes inside each graph."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch_geometric.utils import degree


class AllPairs:
    """All pairs of nodes inside each graph, sorted, in blocks [2, m]; one block at least.

    Each pair is there once, with its smaller node first. A block is made when it is asked for.

    Args:
        batch: [N], sorted.
        num_graphs: B.
        block_size: Most pairs of a block.

    Cost: O(N) memory, and O(block_size log N) time a block.
    """

    def __init__(self, batch: Tensor, num_graphs: int, block_size: int) -> None:
        size = degree(batch, num_graphs, dtype=torch.long)
        nodes = torch.arange(batch.numel(), device=batch.device)
        # Node i is the first of as many pairs as nodes follow it in its graph.
        count = size.cumsum(0)[batch] - nodes - 1
        self.end = count.cumsum(0)
        self.start = self.end - count
        self.total = int(self.end[-1]) if nodes.numel() else 0
        self.block_size = block_size

    def __len__(self) -> int:
        return max(1, -(-self.total // self.block_size))

    def block(self, number: int) -> Tensor:
        """Make one of the blocks, [2, m]."""
        first = number * self.block_size
        last = min(first + self.block_size, self.total)
        place = torch.arange(first, last, device=self.end.device)
        low = torch.searchsorted(self.end, place, right=True)
        return torch.stack([low, low + 1 + place - self.start[low]])

    def __iter__(self) -> Iterator[Tensor]:
        return map(self.block, range(len(self)))
