"""Two processes train as one does on batches twice as large.

Run by itself with the arguments of ``fit``, this module is the processes.
"""

import csv
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.utils.data import DistributedSampler

from lightning_modules import TextDataModule, TransformModule, fit
from lightning_modules.cli import config_folder
from lightning_modules.run.samplers import SharedSampler, UnpaddedDistributedSampler
from pyg_grapheme.text import GraphPair

pytestmark = pytest.mark.usefixtures("without_pictures")

PAIRS = {
    # A text of one letter has nothing to merge; the last batch is smaller than the others, and one
    # process has one pair fewer in it.
    "train": ["cat\tcats", "car\tcars", "bus\tbuses", "a\tas", "hat\thats", "box\tboxes", "x\ty"],
    "val": ["rat\trats", "fox\tfoxes", "art\tarts"],
}
EQUAL = 6
"""Pairs of which two processes have equal shares."""

OPTIONS = [
    f"--config={config_folder() / 'kindergarten.yaml'}",
    "--trainer.max_epochs=3",
    "--trainer.precision=64-true",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--trainer.log_every_n_steps=1",
    "--model.channels=8",
    "--model.layers=1",
    "--model.dropout=0",
    "--model.lr=0.01",
    "--data.test=null",
    "--name=cars",
]
LOSSES = list(itertools.product(["structural", "cross_entropy", "hybrid"], [True, False]))


class Mean(nn.Module):
    """The loss of a batch, as DDP wants it."""

    def __init__(self, module: TransformModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, pair: GraphPair) -> Tensor:
        mean: Tensor = self.module.loss(self.module.net, pair).total.mean()
        return mean


def weights_after(
    train: str, loss: str, use_pool: bool, share: slice, wrap: Callable[[nn.Module], nn.Module]
) -> dict[str, Tensor]:
    """Weights after three steps on a share of the pairs."""
    data = TextDataModule(train, batch_size=EQUAL)
    torch.manual_seed(0)
    module = TransformModule(
        data.vocabulary, channels=8, layers=1, dropout=0.0, use_pool=use_pool, loss=loss
    ).double()
    mean = wrap(Mean(module))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    indices = list(range(EQUAL))[share]
    (pair,) = data.loader("train", sampler=indices)
    for _ in range(3):  # a step fails under DDP if the one before left a weight without gradient
        optimizer.zero_grad()
        mean(pair).backward()
        optimizer.step()
    return module.state_dict()


def work(arguments: list[str]) -> None:
    """Run ``fit``, then a few steps with every loss."""
    fit.main(arguments)
    rank, folder = distributed.get_rank(), Path(os.environ["RESULTS"])
    with (folder / f"reported_{rank}").open("w") as file:
        file.write(str(distributed.get_world_size()))
    train = str(folder / "train.tsv")
    results = {
        key: weights_after(train, *key, slice(rank, None, 2), nn.parallel.DistributedDataParallel)
        for key in LOSSES
    }
    if rank == 0:
        torch.save(results, folder / "weights.pt")
    distributed.barrier()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, run_in_two: Callable[..., None]) -> Path:
    """Run folders of two processes, ``two``, and of one, ``one``."""
    folder = tmp_path_factory.mktemp("ddp")
    for name, pairs in PAIRS.items():
        (folder / f"{name}.tsv").write_text("".join(f"{pair}\n" for pair in pairs))
    files = [f"--data.{name}={folder / name}.tsv" for name in PAIRS]
    two = ["--data.batch_size=2", *files, f"--output={folder / 'two'}"]
    run_in_two(__file__, *OPTIONS, *two, RESULTS=str(folder))
    fit.main([*OPTIONS, "--data.batch_size=4", *files, f"--output={folder / 'one'}"])
    return folder


def read(folder: Path, processes: str) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Weights at the end, and all curves."""
    path = folder / processes / "cars" / "version_0" / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    return checkpoint["state_dict"], checkpoint["callbacks"]["RunRecorder"]["curves"]


def test_two_processes_learn_what_one_does(folder: Path) -> None:
    (two, curves), (one, expected) = read(folder, "two"), read(folder, "one")
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-6, atol=1e-9)
    assert {name: pytest.approx(values) for name, values in expected.items()} == curves
    assert expected["train/loss"][-1] < expected["train/loss"][0]


def test_one_report_tells_of_all_examples(folder: Path) -> None:
    assert {(folder / f"reported_{rank}").read_text() for rank in (0, 1)} == {"2"}
    runs = folder / "two" / "cars"
    assert [path.name for path in runs.iterdir()] == ["version_0"]
    summary = json.loads((runs / "version_0" / "summary.json").read_text())
    assert summary["splits"]["train"]["examples"] == len(PAIRS["train"])
    assert summary["splits"]["val"]["examples"] == len(PAIRS["val"])
    with (runs / "version_0" / "predictions.tsv").open(newline="") as file:
        rows = [(row["input"], row["target"]) for row in csv.DictReader(file, delimiter="\t")]
    assert rows == [tuple(pair.split("\t")) for pairs in PAIRS.values() for pair in pairs]
    with (runs / "version_0" / "metrics.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file) if row["train/loss"]] == [*"012"]


def test_every_loss_takes_the_steps_of_one_process(folder: Path) -> None:
    found = torch.load(folder / "weights.pt", weights_only=True)
    for loss, use_pool in LOSSES:
        expected = weights_after(
            str(folder / "train.tsv"), loss, use_pool, slice(None), lambda module: module
        )
        for name in expected:
            torch.testing.assert_close(
                found[loss, use_pool][name], expected[name], rtol=1e-6, atol=1e-9
            )


@pytest.mark.parametrize(("count", "world"), [(5, 2), (1, 2), (0, 3), (6, 1)])
def test_shares_are_every_example_once(count: int, world: int) -> None:
    shares = [UnpaddedDistributedSampler(range(count), world, rank) for rank in range(world)]
    assert sorted(i for share in shares for i in share) == list(range(count))
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]


@pytest.mark.parametrize(
    ("count", "world", "repeated"),
    [(15, 2, 0), (13, 4, 0), (13, 2, 1), (12, 3, 0), (1, 4, 3), (0, 2, 0), (7, 1, 0)],
)
def test_batches_of_all_processes_are_those_of_one(count: int, world: int, repeated: int) -> None:
    """Examples are repeated only where a process would have none in the last batch."""
    size = 2

    def batches(world: int, rank: int, size: int) -> list[list[int]]:
        sampler = SharedSampler(range(count), world, rank, seed=3, batch_size=size)
        sampler.set_epoch(5)
        share = list(sampler)
        assert len(sampler) == len(share)
        return [share[i : i + size] for i in range(0, len(share), size)]

    shares = zip(*(batches(world, rank, size) for rank in range(world)), strict=True)
    expected = batches(1, 0, size * world)
    if repeated:
        expected[-1] += (expected[0] * repeated)[:repeated]
    found = [sorted(itertools.chain(*batch)) for batch in shares]
    assert found == [sorted(batch) for batch in expected]


def test_the_order_of_one_process_is_that_of_pytorch() -> None:
    own = SharedSampler(range(9), 1, 0, seed=3, batch_size=2)
    other = DistributedSampler(range(9), 1, 0, seed=3)  # type: ignore[arg-type]
    assert list(own) == list(other)


if __name__ == "__main__":
    work(sys.argv[1:])
