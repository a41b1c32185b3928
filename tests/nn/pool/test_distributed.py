"""The pool under DistributedDataParallel: two processes, one of which has no edge.

Run by itself with a rank and a file to meet at, this module is one of the processes.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Cuts, PoolOutput

WORLD = 2
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


def work(rank: int, folder: Path) -> None:
    """Go forward and backward under DDP in each mode, twice, and save the gradients."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=WORLD
    )
    gradients = {}
    for mode in MODES:
        model = nn.parallel.DistributedDataParallel(make(mode))
        for _ in range(2):  # the second pass fails if the first left a parameter without
            model.zero_grad()
            model(*inputs(rank)).sum().backward()
        gradients[mode] = [p.grad for p in model.parameters()]
    torch.save(gradients, folder / f"{rank}.part")
    (folder / f"{rank}.part").rename(folder / f"{rank}.pt")
    while not all((folder / f"{other}.pt").exists() for other in range(WORLD)):
        time.sleep(0.05)
    # To tear gloo down may wait for ever for a process that has left already.
    os._exit(0)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[Tensor]]]:
    """Gradients by mode, of each process."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")
    folder = tmp_path_factory.mktemp("distributed")
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(folder)])
        for rank in range(WORLD)
    ]
    end = time.monotonic() + 200
    # If one process fails, the other waits for it in vain.
    while time.monotonic() < end and not any(p.poll() for p in processes):
        if all(p.poll() == 0 for p in processes):
            break
        time.sleep(0.1)
    codes = [process.poll() for process in processes]
    for process in processes:
        process.kill()
        process.wait()
    assert codes == [0] * WORLD
    return [torch.load(folder / f"{rank}.pt") for rank in range(WORLD)]


@pytest.mark.parametrize("mode", MODES)
def test_every_process_has_the_mean_gradient(
    mode: str, results: list[dict[str, list[Tensor]]]
) -> None:
    alone = []
    for rank in range(WORLD):
        model = make(mode)
        model(*inputs(rank)).sum().backward()
        alone.append([p.grad for p in model.parameters()])
    for i, (first, second) in enumerate(zip(*alone, strict=True)):
        assert first is not None
        assert second is not None
        for found in results:
            torch.testing.assert_close(found[mode][i], (first + second) / 2)


if __name__ == "__main__":
    work(int(sys.argv[1]), Path(sys.argv[2]))
