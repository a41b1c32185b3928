"""The pool under DistributedDataParallel: two processes, one of which has no edge."""

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Cuts, PoolOutput

MODES = ["none", "gate", "straight_through", "cuts", "average", "learned"]


class Learned(nn.Module):
    """A score with parameters, which a process without an edge has no pair for."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 1)

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return torch.sigmoid(self.linear(torch.cat([x_i, x_j], 1))).squeeze(1)


class Model(nn.Module):
    """Convolve, pool, read out."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.conv = SAGEConv(3, 4)
        self.mode = mode
        options: dict[str, dict[str, object]] = {
            "cuts": {},
            "average": {"merge": "average"},
            "learned": {"estimator": "gate", "score": Learned()},
        }
        self.pool = ThresholdMergePool(0.3, **options.get(mode, {"estimator": mode}))

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        x = self.conv(x, edge_index)
        if self.mode in ("cuts", "average"):
            cuts = self.pool.cuts(x, edge_index)
            return cuts.expectation(read_out(cuts))
        return self.pool(x, edge_index).x.pow(2).sum().view(1)


def read_out(cuts: Cuts[PoolOutput]) -> Tensor:
    x = cuts.output.x.pow(2).sum(1)
    return x.new_zeros(cuts.num_cuts).index_add(0, cuts.output.batch, x)


def make(mode: str) -> Model:
    torch.manual_seed(0)
    return Model(mode)


def inputs(rank: int) -> tuple[Tensor, Tensor]:
    """A graph of 12 nodes; without an edge on the second process."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(12, 3, generator=generator)
    edge_index = torch.randint(12, (2, 20), generator=generator)
    return x, edge_index[:, : 0 if rank else 20]


def work(rank: int) -> dict[str, list[Tensor | None]]:
    """Gradients by mode, after going forward and backward under DDP twice."""
    gradients = {}
    for mode in MODES:
        model = nn.parallel.DistributedDataParallel(make(mode))
        for _ in range(2):  # the second pass fails if the first left a parameter without
            model.zero_grad()
            model(*inputs(rank)).sum().backward()
        gradients[mode] = [p.grad for p in model.parameters()]
    return gradients


@pytest.mark.parametrize("mode", MODES)
def test_every_process_has_the_mean_gradient(
    mode: str, two_processes: list[dict[str, list[Tensor]]]
) -> None:
    alone = []
    for rank in range(2):
        model = make(mode)
        model(*inputs(rank)).sum().backward()
        alone.append([p.grad for p in model.parameters()])
    for i, (first, second) in enumerate(zip(*alone, strict=True)):
        assert first is not None
        assert second is not None
        for found in two_processes:
            torch.testing.assert_close(found[mode][i], (first + second) / 2)
