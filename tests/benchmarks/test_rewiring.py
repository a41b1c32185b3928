"""The benchmark of attacked graphs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score
from torch_geometric.data import Data

from benchmarks.data_folder import DATA
from benchmarks.rewiring.__main__ import main
from benchmarks.rewiring.data import RATES, jaccard, read_graph
from benchmarks.rewiring.drawn_edges import DrawnEdges, RandomEdges
from benchmarks.rewiring.gcn import GCN
from benchmarks.rewiring.learned_edges import LearnedEdges
from benchmarks.rewiring.methods import METHODS
from benchmarks.rewiring.training import TrainingOptions

CORA = DATA / "attacked_graphs" / "cora.npz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a graph of 60 nodes in two classes, with other edges for each rate."""
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    x = rng.random((60, 12)) < np.where(np.arange(12) % 2 == label[:, None], 0.5, 0.15)
    row, column = np.triu_indices(60, 1)
    order = rng.permutation(60)
    arrays = {f"idx_{s}": order[i::3] for i, s in enumerate(("train", "val", "test"))}
    for rate in RATES:
        is_edge = rng.random(row.size) < np.where(label[row] == label[column], 0.1, rate / 400)
        arrays[f"edges_{rate}"] = np.stack([row[is_edge], column[is_edge]])
    np.savez(
        tmp_path / "cora.npz",
        label=label,
        feature_row_ptr=np.concatenate([[0], x.sum(1).cumsum()]),
        feature=x.nonzero()[1],
        num_features=12,
        **arrays,
    )
    np.save(tmp_path / "x.npy", x)
    return tmp_path


def test_a_graph_is_read_as_it_was_written(folder: Path) -> None:
    data = read_graph(folder / "cora.npz", 15)
    assert np.array_equal(data.x, np.load(folder / "x.npy"))
    with np.load(folder / "cora.npz") as file:
        edges = {tuple(edge) for edge in file["edges_15"].T.tolist()}
        assert np.array_equal(data.val_mask.nonzero().view(-1), np.sort(file["idx_val"]))
    both = [tuple(edge) for edge in data.edge_index.T.tolist()]
    assert len(both) == len(set(both)) == 2 * len(edges)
    assert set(both) == edges | {(b, a) for a, b in edges}
    assert int((data.train_mask + data.val_mask + data.test_mask).sum()) == 60


@pytest.mark.skipif(not CORA.is_file(), reason=f"needs {CORA}: see docs/data.md")
def test_cora_has_the_published_counts() -> None:
    counts = [read_graph(CORA, rate).num_edges for rate in RATES]
    assert counts == [2 * n for n in (5069, 5322, 5567, 5809, 6040, 6246)]
    data = read_graph(CORA, 0)
    source, target = data.y[data.edge_index]
    assert float((source == target).float().mean()) == pytest.approx(0.804, abs=5e-4)
    sizes = [int(mask.sum()) for mask in (data.train_mask, data.val_mask, data.test_mask)]
    assert sizes == [247, 249, 1988]
    assert data.x.shape == (2485, 1433)
    # DeepRobust deletes as many edges of the graph attacked at 25 % below 0.01.
    attacked = read_graph(CORA, 25)
    assert int((jaccard(attacked.x, attacked.edge_index) < 0.01).sum()) == 2 * 1042


def test_jaccard_equals_that_of_scikit_learn(folder: Path) -> None:
    data = read_graph(folder / "cora.npz", 25)
    data.x[:5] = 0
    edge_index = torch.cat([data.edge_index, torch.tensor([[0], [1]])], dim=1)
    expected = [
        jaccard_score(data.x[i], data.x[j], zero_division=0) for i, j in edge_index.T.tolist()
    ]
    assert jaccard(data.x, edge_index).tolist() == pytest.approx(expected)


def test_the_network_is_two_layers_of_gcn_conv(folder: Path) -> None:
    data = read_graph(folder / "cora.npz", 10)
    network = GCN(12, 2, 4, 0.5).eval()
    hidden = network.first(data.x, data.edge_index).relu()
    expected = network.second(hidden, data.edge_index)
    torch.testing.assert_close(network(network.project(data.x), data.edge_index), expected)


class Stub(torch.nn.Module):
    """Right where a node has no edge, or where it has one; its features are the classes."""

    def __init__(self, isolated: bool) -> None:
        super().__init__()
        self.isolated = isolated

    def forward(self, projected: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        has_edge = torch.zeros(len(projected), dtype=torch.bool)
        has_edge[edge_index.view(-1)] = True
        y = projected.view(-1).long()
        answer = torch.where(has_edge != self.isolated, y, 1 - y)
        return torch.nn.functional.one_hot(answer, 2).float()


def test_controls(folder: Path) -> None:
    data = read_graph(folder / "cora.npz", 25)
    random = RandomEdges(data.edge_index)
    assert torch.equal(random.edges(), data.edge_index)
    sizes = {random.draw().size(1) for _ in range(20)}
    assert len(sizes) > 5
    assert all(size % 2 == 0 for size in sizes)  # Both directions of an edge, or none.
    fixed = DrawnEdges(data, (0.2,))
    assert fixed.learn(Stub(False), data.y[:, None].float()) == 0
    similarity = jaccard(data.x, data.edge_index)
    assert fixed.edges().size(1) == int((similarity >= 0.2).sum())
    assert len({fixed.draw().size(1) for _ in range(20)}) > 5
    for isolated, best in ((True, 0.9), (False, 0.0)):
        scanned = DrawnEdges(data, (0.2, 0.0, 0.9))
        assert scanned.learn(Stub(isolated), data.y[:, None].float()) == 3
        assert scanned.threshold == best


def test_the_learned_threshold_is_that_of_the_smaller_error(folder: Path) -> None:
    data = read_graph(folder / "cora.npz", 25)

    for isolated in (True, False):
        edges = LearnedEdges(data, TrainingOptions(threshold=0.2, interval=1))
        before = edges.edges().size(1)
        for _ in range(40):
            assert edges.learn(Stub(isolated), data.y[:, None].float()) <= 17
        after = edges.edges().size(1)
        assert (edges.threshold > 0.2) == isolated
        assert after < before if isolated else after > before


def test_draws_and_candidates(folder: Path) -> None:
    data: Data = read_graph(folder / "cora.npz", 25)
    edges = LearnedEdges(data, TrainingOptions(), agrees=True, inserts=True)
    known = {tuple(edge) for edge in data.edge_index.T.tolist()}
    candidates = [tuple(edge) for edge in edges.edge_index.T.tolist()]
    assert len(candidates) == len(set(candidates)) > len(known)
    assert known == {e for e, new in zip(candidates, edges.is_new, strict=True) if not new}
    # What is inserted scores less by the penalty.
    edges.observe(torch.zeros(60, 2))
    score = edges._scores()
    expected = jaccard(data.x, edges.edge_index) - 0.2 * edges.is_new
    torch.testing.assert_close(score, expected)
    sizes = {edges.draw().size(1) for _ in range(50)}
    assert len(sizes) > 5
    assert min(sizes) > 0


def test_all_methods_and_the_tables(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "rewiring.md"
    arguments = ["--data", str(folder), "--output", str(output)]
    training = TrainingOptions(hidden=4, epochs=6, agreement_start=2, scanned=(0.0, 0.2))
    main([*arguments, "--cells", "0/0/*", "25/0/*", "25/1/gcn"], training)
    records = [json.loads(line) for line in output.with_suffix(".jsonl").read_text().splitlines()]
    found = {record["cell"]: record for record in records}
    wanted = {f"{rate}/0/{method}" for rate in (0, 25) for method in METHODS}
    assert set(found) == wanted | {"25/1/gcn"}
    assert found["0/0/gcn"]["passes"] == 12
    assert found["0/0/scanned"]["passes"] == 24
    assert 12 < found["0/0/threshold"]["passes"] <= 12 + 3 * 17
    text = output.read_text()
    a, b = (100 * found[f"25/{seed}/gcn"]["test"] for seed in (0, 1))
    line = next(line for line in text.splitlines() if line.startswith("| GCN "))
    assert f"{(a + b) / 2:.1f} ± {abs(a - b) / 2**0.5:.1f}" in line
    gain = 100 * (found["0/0/score"]["test"] - found["0/0/gcn"]["test"])
    lines = [line for line in text.splitlines() if line.startswith("| learned threshold and score")]
    assert f"| {gain:.1f} " in lines[1]
    # Cells with a record are not run again.
    main([*arguments, "--cells", "0/0/gcn"], training._replace(epochs=0))
    with pytest.raises(SystemExit, match="Expected '--cells'"):
        main([*arguments, "--cells", "7/0/gcn"])
    capsys.readouterr()
