"""Pooled losses under DistributedDataParallel: two processes, and four, are as one."""

import warnings

import pytest
import torch
from torch import Tensor, distributed, nn

from pyg_grapheme.nn import PairScorer, PartitionLoss, ThresholdMergePool

OBJECTIVES = ["pairs", "bcubed", "double_majority", "adjusted_rand"]
SIZES = [7, 4, 9, 3, 6]
"""Nodes of the graphs. The fourth has no pair to merge."""


class Model(nn.Module):
    """A learned score, a pool and a pooled objective."""

    def __init__(self, objective: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.pool = ThresholdMergePool(0.5, score=PairScorer(3), logits=True).double()
        self.loss = PartitionLoss(objective, pooled=True)

    def forward(self, graphs: list[int]) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(sum(SIZES), 3, generator=generator).double().split(SIZES)
        y = torch.randint(3, (sum(SIZES),), generator=generator).split(SIZES)
        first = torch.tensor([0, *(SIZES[g] for g in graphs)]).cumsum(0)
        pairs = [
            first[i] + torch.combinations(torch.arange(0 if g == 3 else SIZES[g])).T
            for i, g in enumerate(graphs)
        ]
        batch = torch.repeat_interleave(torch.tensor([SIZES[g] for g in graphs]))
        tree = self.pool.dendrogram(
            torch.cat([x[g] for g in graphs]), torch.cat(pairs, 1), None, batch
        )
        return self.loss(tree, torch.cat([y[g] for g in graphs]))


def gradients(model: nn.Module, graphs: list[int]) -> list[Tensor]:
    """The loss, and the gradient of each parameter."""
    loss = model(graphs)
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters())]


def work(rank: int) -> dict[str, list[Tensor]]:
    """Losses and gradients of one share of the graphs, by objective.

    The shares differ in size; of four processes, one has a graph without pairs alone.
    """
    warnings.simplefilter("error")
    share = [*range(len(SIZES))][rank :: distributed.get_world_size()]
    return {
        name: gradients(nn.parallel.DistributedDataParallel(Model(name)), share)
        for name in OBJECTIVES
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_several_processes_have_the_loss_and_gradient_of_one(
    objective: str, processes: list[dict[str, list[Tensor]]]
) -> None:
    expected = gradients(Model(objective), [*range(len(SIZES))])
    assert all(bool(value.any()) for value in expected)
    for found in processes:
        torch.testing.assert_close(found[objective], expected)
