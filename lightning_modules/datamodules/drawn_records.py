"""Blocks of records of bounded size, to train on."""

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset
from torch_geometric.data import Data


class DrawnRecords(Dataset[Data]):
    """The graphs of blocks; of a larger block, records that are drawn anew at each access.

    So a step costs no more for a large block, and a block is another example every time.

    Args:
        graphs: One per block.
        block_size: Records that are drawn at most. A block is there once for each ``block_size``
            records that it begins. All records if None.
        repeats: How often all that is there.
    """

    def __init__(self, graphs: Sequence[Data], block_size: int | None, repeats: int) -> None:
        self.block_size = block_size
        visits = [1 if block_size is None else -(-g.x.size(0) // block_size) for g in graphs]
        self.graphs = [
            graph
            for graph, number in zip(graphs, visits, strict=True)
            for _ in range(number * repeats)
        ]

    def __len__(self) -> int:
        return len(self.graphs)

    def __getitem__(self, index: int) -> Data:
        graph, size = self.graphs[index], self.block_size
        if size is None or graph.x.size(0) <= size:
            return graph
        # Every epoch begins with a seed of its own, so a resumed run draws the same records.
        return graph.subgraph(torch.randperm(graph.x.size(0))[:size].sort().values)
