"""Blocks of records of bounded size, to train on."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order
from torch import Tensor
from torch.utils.data import Dataset
from torch_geometric.data import Data


class DrawnRecords(Dataset[Data]):
    """The graphs of blocks; of a larger block, records that are drawn anew at each access.

    So a step costs no more for a large block. What is drawn is a random record, its candidates,
    theirs, and so on, by breadth-first search: clusters stay together, and so do records that are
    hard to keep apart. Where the search ends early, another one begins.

    Args:
        graphs: One per block.
        block_size: Records that are drawn at most. A block is there once for each ``block_size``
            records that it begins. All records if None.
        repeats: How often all that is there.
    """

    def __init__(self, graphs: Sequence[Data], block_size: int | None, repeats: int) -> None:
        self.block_size = block_size
        self.graphs = list(graphs)
        sizes = [graph.x.size(0) for graph in graphs]
        self.visits = [
            block
            for block, size in enumerate(sizes)
            for _ in range(repeats * (1 if block_size is None else -(-size // block_size)))
        ]
        self.links = {
            block: _links(self.graphs[block])
            for block, size in enumerate(sizes)
            if block_size is not None and size > block_size
        }

    def __len__(self) -> int:
        return len(self.visits)

    def __getitem__(self, index: int) -> Data:
        block = self.visits[index]
        graph, links = self.graphs[block], self.links.get(block)
        if links is None:
            return graph
        assert self.block_size is not None
        # Every epoch begins with a seed of its own, and what is drawn depends on it alone: a
        # resumed run draws the same records, and so does a model with other dropout.
        generator = torch.Generator().manual_seed(torch.initial_seed() + index)
        return graph.subgraph(_draw(links, self.block_size, generator))


def _links(graph: Data) -> csr_array:
    """Return the pairs of a block, in both directions."""
    size = graph.x.size(0)
    ends = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1).numpy()
    return coo_array((np.ones(ends.shape[1]), tuple(ends)), (size, size)).tocsr()


def _draw(links: csr_array, size: int, generator: torch.Generator) -> Tensor:
    """Return distinct rows, rising."""
    is_drawn = np.zeros(links.shape[0], dtype=bool)
    for start in torch.randperm(links.shape[0], generator=generator).tolist():
        missing = size - is_drawn.sum()
        if missing == 0:
            break
        if not is_drawn[start]:
            found = breadth_first_order(links, start, return_predecessors=False)
            is_drawn[found[~is_drawn[found]][:missing]] = True
    return torch.from_numpy(is_drawn.nonzero()[0])
