"""Random batches of graphs for the layers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor


class Graphs(NamedTuple):
    """A batch as the layers take it."""

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    batch: Tensor
    batch_size: int

    def repeat(self, times: int) -> "Graphs":
        """All of them again and again, in one batch."""
        copies = range(times)
        return Graphs(
            self.x.repeat(times, 1),
            torch.cat([self.edge_index + i * len(self.x) for i in copies], dim=1),
            self.edge_attr.repeat(times, 1),
            torch.cat([self.batch + i * self.batch_size for i in copies]),
            times * self.batch_size,
        )


DrawGraphs = Callable[..., Graphs]


@pytest.fixture
def draw_graphs() -> DrawGraphs:
    """Draw directed graphs of given sizes, with repeated edges and self-loops, edges shuffled.

    With ``reverse``, an edge of the last graph is there in the other direction too.
    """

    def draw(
        seed: int,
        sizes: Sequence[int],
        edges_per_node: float = 2.0,
        features: int = 3,
        reverse: bool = False,
    ) -> Graphs:
        generator = torch.Generator().manual_seed(seed)
        edges, first = [], 0
        for size in sizes:
            count = int(size * edges_per_node)
            edges.append(first + torch.randint(max(size, 1), (2, count), generator=generator))
            first += size
        edges += [each[:, :2] for each in edges[:1]]
        edges += [each[:, :1].flip(0) for each in edges[-2:-1] if reverse]
        edge_index = torch.cat([*edges, torch.empty(2, 0, dtype=torch.long)], dim=1)
        edge_index = edge_index[:, torch.randperm(edge_index.size(1), generator=generator)]
        return Graphs(
            x=torch.randn(first, features, generator=generator, dtype=torch.double),
            edge_index=edge_index,
            edge_attr=torch.randn(edge_index.size(1), 2, generator=generator, dtype=torch.double),
            batch=torch.repeat_interleave(torch.tensor(sizes)),
            batch_size=len(sizes),
        )

    return draw
