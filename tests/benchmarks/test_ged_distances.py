"""The distances of the similarity search: untrained, searched for, and trained."""

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from benchmarks.ged import __main__ as command
from benchmarks.ged import search as search_command
from benchmarks.ged.data import GraphSet
from benchmarks.ged.features import read_features
from benchmarks.ged.model import Match, TransportDistance
from benchmarks.ged.pairs import all_pairs
from benchmarks.ged.pooled import PooledDistance
from benchmarks.ged.protocol import ranking_scores
from benchmarks.ged.search import (
    best_mixture,
    calibrate,
    find_terms,
    make_task,
    mean_rho,
    mix,
    rounded,
    true_ranks,
)
from benchmarks.ged.training import Course, Split, train, validate
from benchmarks.ged.untrained import Constants, Mixture, Plan, predict
from pyg_grapheme.nn import StructuralDistance

LABELS = 3
PLANS = [
    Plan(),
    Plan("star", "degree", (0.5, 1.0, 0.2), 0.05, 50, 0.7, False, True),
    Plan("neighbours", "reach", (1.0, 0.5, 0.3), 0.2, 10, None, True, False),
]


def make_graphs(count: int = 8, seed: int = 0) -> list[Data]:
    """Random trees of 3 to 7 labelled nodes, some with one edge more."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for number in range(count):
        size = 3 + number % 5
        parent = [int(torch.randint(i, (), generator=generator)) for i in range(1, size)]
        edges = torch.tensor([parent, list(range(1, size))])
        if number % 2:
            edges = torch.cat([edges, torch.tensor([[0], [size - 1]])], 1)
        label = torch.randint(LABELS, (size,), generator=generator)
        label[0] = number % LABELS
        edge_index = to_undirected(edges, num_nodes=size)
        graphs.append(Data(num_nodes=size, edge_index=edge_index, label=label))
    return graphs


def shuffled(data: Data, seed: int = 1) -> Data:
    """The same graph with its nodes in another order."""
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(seed))
    label = torch.empty_like(data.label).index_copy(0, order, data.label)
    return Data(num_nodes=data.num_nodes, edge_index=order[data.edge_index], label=label)


def count_edits(a: Data, b: Data) -> float:
    """A stand-in for the edit distance."""
    kinds = [torch.bincount(data.label, minlength=LABELS) for data in (a, b)]
    return float((kinds[0] - kinds[1]).abs().sum() + abs(a.num_edges - b.num_edges) // 2)


def make_distances(rows: list[Data], columns: list[Data]) -> Tensor:
    return torch.tensor([[count_edits(a, b) for b in columns] for a in rows])


def make_model(kind: type[TransportDistance], **options: float) -> TransportDistance:
    torch.manual_seed(0)
    return kind(LABELS, 8, 2, features=8, **options).double()


def described(graphs: list[Data]):
    features = read_features(graphs)
    return features._replace(
        activation=features.activation.double(),
        label=features.label.double(),
        kind=features.kind.double(),
    )


def test_features_of_nodes() -> None:
    # 0 - 1 - 0 and 1, alone; nodes 0 and 2 have the same star, and all their neighbours are 1.
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    graph = Data(num_nodes=4, edge_index=edge_index, label=torch.tensor([0, 1, 0, 1]))
    stars = read_features([graph], "star").label
    assert (stars @ stars.T).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    around = read_features([graph], "neighbours").label
    assert around.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert read_features([graph], "label").label.argmax(1).tolist() == [0, 1, 0, 1]
    assert read_features([graph], "label", "degree").activation.tolist() == [0.25, 0.5, 0.25, 0]
    reach = read_features([graph], "label", "reach").activation
    assert reach.tolist() == pytest.approx([0.3, 0.3, 0.3, 0.1])
    hashed = read_features([graph], "label", "label").activation
    assert hashed[0] == hashed[2] != hashed[1] == hashed[3]
    del graph.label
    assert read_features([graph]).label.tolist() == 4 * [[1]]


def test_all_pairs_are_each_query_with_each_graph() -> None:
    found = all_pairs(lambda a, b: 10 * a + b, torch.tensor([3, 4]), torch.tensor([0, 1, 2]))
    assert found.tolist() == [[30, 31, 32], [40, 41, 42]]


@pytest.mark.parametrize("plan", PLANS, ids=["plain", "star", "neighbours"])
def test_the_search_mixes_the_terms_of_the_loss(plan: Plan) -> None:
    graphs, mixture = make_graphs(), Mixture(0.7, 0.3, 1.2, 0.8)
    task = make_task(graphs, make_distances(graphs, graphs), torch.tensor([1, 5, 6]))
    searched = mix(find_terms(task, plan), task.size, mixture).exp()
    features = read_features(graphs, plan.label, plan.activation)
    compare = partial(predict, Constants(plan, mixture), features)
    said = all_pairs(compare, task.queries, task.others)
    torch.testing.assert_close(searched, said)
    other = all_pairs(lambda a, b: compare(b, a), task.queries, task.others)
    assert torch.allclose(said, other) == plan.both_ways


def test_the_distance_of_the_package_is_found_by_the_search() -> None:
    # With its constants, the terms that the search mixes make the similarity of the module.
    graphs = make_graphs()
    task = make_task(graphs, make_distances(graphs, graphs), torch.tensor([1, 5, 6]))
    loss = StructuralDistance().loss
    plan = Plan(
        activation="reach",
        node_weights=loss.node_weights,
        temperature=loss.transport.temperature,
        max_iterations=loss.transport.max_iterations,
        tolerance=loss.transport.tolerance,
        unmatched=loss.unmatched,
        debias=True,
        both_ways=True,
    )
    mixture = Mixture(loss.alpha, loss.beta, loss.gamma, 0.586)
    expected = mix(find_terms(task, plan), task.size, mixture).exp()
    test, train = ([graphs[i] for i in part] for part in (task.queries, task.others))
    found = command.chosen(GraphSet(train, test, task.true))
    torch.testing.assert_close(found, expected.clamp(max=1))


def test_a_task_has_no_query_among_the_others() -> None:
    graphs = make_graphs()
    distance = make_distances(graphs, graphs)
    task = make_task(graphs, distance, torch.tensor([5, 1]))
    assert task.queries.tolist() == [1, 5]
    assert task.others.tolist() == [0, 2, 3, 4, 6, 7]
    expected = math.exp(-distance[5, 2] / ((graphs[5].num_nodes + graphs[2].num_nodes) / 2))
    assert float(task.true[1, 1]) == pytest.approx(expected)


def test_the_quick_correlation_is_the_protocols() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted = torch.rand(4, 30, generator=generator)
    true = torch.randint(5, (4, 30), generator=generator).double()
    expected = ranking_scores(predicted, true).rho
    assert mean_rho(predicted, true_ranks(true)) == pytest.approx(expected)


def test_a_mixture_is_climbed_to_and_scaled() -> None:
    generator = torch.Generator().manual_seed(0)
    graphs = make_graphs(20)
    task = make_task(graphs, make_distances(graphs, graphs), torch.arange(5))
    terms = torch.rand(5, 15, 3, generator=generator)
    task = task._replace(true=mix(terms, task.size, Mixture(0.3, 1.5, 0.6, 1.0)).double().exp())
    value, mixture = best_mixture(terms, task, true_ranks(task.true))
    before = mean_rho(mix(terms, task.size, Mixture(1, 0.5, 0.5, 1)), true_ranks(task.true))
    assert value > max(before, 0.97)
    scaled = calibrate(terms, task, mixture)
    found = mix(terms, task.size, scaled).exp()
    assert mean_rho(found, true_ranks(task.true)) == pytest.approx(value, abs=1e-3)
    scores = [
        float((found.pow(factor) - task.true).square().mean()) for factor in (0.99, 1.0, 1.01)
    ]
    assert scores[1] == min(scores)


def test_constants_are_written_with_three_digits() -> None:
    long = Constants(Plan(temperature=0.123456, node_weights=(1.23456, 2.0, 3.0)))
    short = Constants(Plan(temperature=0.123, node_weights=(1.23, 2.0, 3.0)))
    assert rounded(long) == short


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (TransportDistance, {"rounds": 0}),
        (TransportDistance, {"rounds": 2}),
        (PooledDistance, {"threshold": 0.4}),
    ],
    ids=["plain", "again", "pooled"],
)
def test_a_learned_distance_sees_graphs_not_batches_and_learns_everything(kind, options) -> None:
    graphs = make_graphs()
    model = make_model(kind, **options)
    first, second = torch.tensor([0, 3, 3, 7]), torch.tensor([1, 2, 6, 7])
    found = model(described(graphs), first, second)
    assert found.shape == (4,)
    other = [shuffled(data) for data in graphs]
    torch.testing.assert_close(model(described(other), first, second), found)
    for pair in range(4):
        alone = model(described(graphs), first[pair : pair + 1], second[pair : pair + 1])
        torch.testing.assert_close(alone, found[pair : pair + 1])
    pairs = torch.cartesian_prod(torch.arange(8), torch.arange(8)).unbind(1)
    true = torch.rand(64, dtype=torch.double)
    model.errors(described(graphs), *pairs, true).mean().backward()
    silent = [
        name
        for name, value in model.named_parameters()
        if value.numel() and (value.grad is None or not bool(value.grad.abs().sum()))
    ]
    assert silent == []


def test_a_cold_match_is_the_best_assignment() -> None:
    # By SciPy, with a dummy of its own for each node; edges and densities counted by hand.
    torch.manual_seed(0)
    match = Match(4, 6, 0, temperature=2e-3, iterations=2000).double()
    torch.nn.init.constant_(match.price.bias, -1.0)
    a, b = make_graphs()[4], make_graphs()[5]
    graphs = described([a, b])
    x = torch.randn(len(graphs.batch), 4, dtype=torch.double)
    with torch.no_grad():
        found = match(x, graphs, torch.tensor([0]), torch.tensor([1]))
        seen, price = match.project(x), torch.nn.functional.softplus(match.price(x)).squeeze(1)
        alpha, beta, gamma = match.weight.exp().tolist()
    n, m = a.num_nodes, b.num_nodes
    cost = np.zeros((n + m, n + m))
    cost[:n, :m] = [
        [float((seen[u] - seen[n + v]).abs().mean()) for v in range(m)] for u in range(n)
    ]
    cost[:n, m:] = price[:n, None]
    cost[n:, :m] = price[n:]
    to = dict(zip(*map(list, linear_sum_assignment(cost)), strict=True))
    node = sum(cost[u, v] for u, v in to.items())
    ours, theirs = (set(zip(*data.edge_index.tolist(), strict=True)) for data in (a, b))
    shared = sum((to[u], to[v]) in theirs for u, v in ours)
    edge = (len(ours) + len(theirs)) / 2 - shared + abs(len(ours) - len(theirs)) / 4
    density = [
        torch.bincount(data.edge_index[0], minlength=data.num_nodes).double() / (data.num_nodes - 1)
        for data in (a, b)
    ]
    means, spreads = (
        [f(d) for d in density] for f in (torch.mean, partial(torch.var, correction=0))
    )
    density_term = 0.3 * abs(means[0] - means[1]) + 0.7 * abs(spreads[0] - spreads[1])
    assert 0 < shared < len(theirs)
    assert sum(v < m for u, v in to.items() if u < n) < m
    expected = alpha * node + beta * edge + gamma * float(density_term)
    assert float(found) == pytest.approx(expected, rel=1e-3)


def test_errors_of_merged_graphs_are_those_of_the_prediction() -> None:
    # With hardly any noise, all cuts but that of the plain threshold have no weight.
    model = make_model(PooledDistance, threshold=0.5, noise=1e-6, max_cuts=None)
    features, true = described(make_graphs()), torch.rand(28, dtype=torch.double)
    first, second = torch.combinations(torch.arange(8)).unbind(1)
    assert 0.3 < model.shrinkage(features) < 1
    expected = (torch.exp(-model(features, first, second)) - true).square()
    torch.testing.assert_close(model.errors(features, first, second, true), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TransportDistance, PooledDistance])
def test_training_finds_the_same_graph_again(kind) -> None:
    torch.manual_seed(0)
    graphs = make_graphs(24)
    true = torch.exp(-make_distances(graphs, graphs) / 5)
    features = read_features([*graphs, *map(shuffled, graphs)])
    model, split = kind(LABELS, 16, 2), Split(torch.arange(16), torch.arange(16, 24))
    before = validate(model, features, true, split)
    course = Course(steps=100, pairs=64, lr=1e-2, every=50)
    said: list[str] = []
    model = train(model, features, true, split, course, said.append)
    after = validate(model, features, true, split)
    assert after.mse < 0.7 * before.mse
    assert len(said) == 2
    # Each graph is nearest to itself in another order.
    with torch.no_grad():
        distance = all_pairs(
            lambda a, b: model(features, a, b), torch.arange(24), torch.arange(24, 48)
        )
    true_distance = make_distances(graphs, graphs)
    nearest = distance.argmin(1)
    assert (true_distance[torch.arange(24), nearest] <= 1).float().mean() > 0.9


def write_set(folder: Path, *, labels: bool = True) -> Path:
    """Write a set of graphs as the published ones are laid out."""
    folder.mkdir()
    parts = {"train": make_graphs(24), "test": make_graphs(8, seed=1)}
    written = {
        name: [
            {
                "id": number,
                "num_nodes": data.num_nodes,
                "edges": data.edge_index.T[data.edge_index[0] < data.edge_index[1]].tolist(),
            }
            | ({"labels": [str(label) for label in data.label.tolist()]} if labels else {})
            for number, data in enumerate(part)
        ]
        for name, part in parts.items()
    }
    (folder / "graphs.json").write_text(json.dumps(written))
    for name in ("train", "test"):
        rows = make_distances(parts[name], parts["train"]).tolist()
        text = "\n".join(",".join(map(str, row)) for row in rows)
        (folder / f"ged_{name}_train.csv").write_text(text + "\n")
    return folder


@pytest.mark.parametrize(("name", "labels"), [("aids700nef", True), ("linux", False)])
def test_the_table_of_a_set_with_and_without_labels(
    name: str,
    labels: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    folder, output = write_set(tmp_path / name, labels=labels), tmp_path / "table.md"
    arguments = ["ged", "--data", str(folder), "--steps", "2", "--pairs", "8", "--limit", "20"]
    monkeypatch.setattr("sys.argv", [*arguments, "--seeds", "0", "1", "--output", str(output)])
    command.main()
    text = capsys.readouterr().out
    assert output.read_text() == text[:-1]
    for row in (*command.NAMES.values(), "SimGNN", "Beam"):
        assert sum(line.startswith(f"| {row} ") for line in text.splitlines()) == 1
    assert f"\n### {name}: " in text
    assert text.count("C/N") == 4


def test_the_search_prints_constants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = write_set(tmp_path / "set")
    arguments = ["search", "--data", str(folder), "--queries", "5", "--rounds", "2", "--steps", "2"]
    monkeypatch.setattr("sys.argv", arguments)
    search_command.main()
    text = capsys.readouterr().out
    assert "\nConstants(plan=Plan(" in text
    assert "others RankingScores(" in text
