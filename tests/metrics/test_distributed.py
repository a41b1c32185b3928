"""The metrics under two processes, with more pairs in one of them than in the other.

Run by itself with a rank and a file to meet at, this module is one of the processes.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Batch

from pyg_grapheme.metrics import GraphEditDistance, WeisfeilerLehmanSimilarity
from pyg_grapheme.text import text_graph

PAIRS = [[("cat", "cart"), ("a", "b"), ("aa", "aa")], [("", "abc")]]
METRICS = {"distance": GraphEditDistance, "similarity": WeisfeilerLehmanSimilarity}


def mean(name: str, pairs: list[tuple[str, str]]) -> float:
    metric = METRICS[name](label="grapheme")
    sides = zip(*pairs, strict=True)
    metric.update(*(Batch.from_data_list([text_graph(text) for text in side]) for side in sides))
    return float(metric.compute())


def work(rank: int, folder: Path) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=len(PAIRS)
    )
    torch.save({name: mean(name, PAIRS[rank]) for name in METRICS}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_every_process_has_the_mean_over_the_pairs_of_all(tmp_path: Path) -> None:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")
    command = [sys.executable, __file__]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path)]) for rank in range(len(PAIRS))
    ]
    try:
        assert [process.wait(timeout=400) for process in processes] == [0] * len(PAIRS)
    finally:
        for process in processes:
            process.kill()
    for name in METRICS:
        expected = mean(name, [pair for pairs in PAIRS for pair in pairs])
        for rank in range(len(PAIRS)):
            assert torch.load(tmp_path / f"{rank}.pt")[name] == pytest.approx(expected)


if __name__ == "__main__":
    work(int(sys.argv[1]), Path(sys.argv[2]))
