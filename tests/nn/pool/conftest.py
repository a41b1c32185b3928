"""Random batches of graphs, and something to tell what comes out apart."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import Cuts


class Graphs(NamedTuple):
    """A batch as the pool takes it."""

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
    """Draw directed graphs of given sizes, with repeated edges and self-loops, edges shuffled."""

    def draw(
        seed: int, sizes: Sequence[int], edges_per_node: float = 2.0, features: int = 3
    ) -> Graphs:
        generator = torch.Generator().manual_seed(seed)
        edges, first = [], 0
        for size in sizes:
            count = int(size * edges_per_node)
            edges.append(first + torch.randint(max(size, 1), (2, count), generator=generator))
            first += size
        edge_index = torch.cat([*edges, edges[0][:, :2]], dim=1)
        edge_index = edge_index[:, torch.randperm(edge_index.size(1), generator=generator)]
        return Graphs(
            x=torch.randn(first, features, generator=generator, dtype=torch.double),
            edge_index=edge_index,
            edge_attr=torch.randn(edge_index.size(1), 2, generator=generator, dtype=torch.double),
            batch=torch.repeat_interleave(torch.tensor(sizes)),
            batch_size=len(sizes),
        )

    return draw


@pytest.fixture
def fourth_powers() -> Callable[[Cuts], Tensor]:
    """Something that tells pooled graphs apart: the sum of the fourth powers of their features."""

    def read_out(cuts: Cuts) -> Tensor:
        x = cuts.output.x.pow(4).sum(1)
        return x.new_zeros(cuts.graph.numel()).index_add(0, cuts.output.batch, x)

    return read_out
