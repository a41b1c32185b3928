"""Pooled losses under DistributedDataParallel: two processes are as one.

Run by itself with a rank and a file to meet at, this module is one of the processes.
"""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.nn import PairScorer, PartitionLoss, ThresholdMergePool

WORLD = 2
OBJECTIVES = ["pairs", "bcubed", "double_majority", "adjusted_rand"]
SIZES = [7, 4, 9]


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
            first[i] + torch.combinations(torch.arange(SIZES[g])).T for i, g in enumerate(graphs)
        ]
        batch = torch.repeat_interleave(torch.tensor([SIZES[g] for g in graphs]))
        tree = self.pool.dendrogram(
            torch.cat([x[g] for g in graphs]), torch.cat(pairs, 1), None, batch
        )
        return self.loss(tree, torch.cat([y[g] for g in graphs]))


def work(rank: int, folder: Path) -> None:
    """Save losses and gradients of one share of the graphs."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=WORLD
    )
    warnings.simplefilter("error")
    found = {}
    for objective in OBJECTIVES:
        model = nn.parallel.DistributedDataParallel(Model(objective))
        loss = model([2] if rank else [0, 1])
        loss.backward()
        found[objective] = [loss.detach(), *(p.grad for p in model.parameters())]
    torch.save(found, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_have_the_loss_and_gradient_of_one(tmp_path: Path) -> None:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path)])
        for rank in range(WORLD)
    ]
    try:
        assert [process.wait(timeout=400) for process in processes] == [0] * WORLD
    finally:
        for process in processes:
            process.kill()
    for objective in OBJECTIVES:
        model = Model(objective)
        loss = model([0, 1, 2])
        loss.backward()
        expected = [loss.detach(), *(p.grad for p in model.parameters())]
        assert all(bool(value.any()) for value in expected)
        for rank in range(WORLD):
            found = torch.load(tmp_path / f"{rank}.pt")[objective]
            torch.testing.assert_close(found, expected, msg=lambda m, o=objective: f"{o}: {m}")


if __name__ == "__main__":
    work(int(sys.argv[1]), Path(sys.argv[2]))
