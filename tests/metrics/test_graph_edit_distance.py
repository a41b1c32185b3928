"""The graph edit distance against networkx, brute force, published distances, and by hand."""

import json
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.metrics import GraphEditDistance, graph_edit_distance
from pyg_grapheme.text import text_graph

AIDS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ged" / "aids700nef"
needs_aids = pytest.mark.skipif(not AIDS.is_dir(), reason=f"no published distances in {AIDS}")
METHODS = ["exact", "bipartite", "bp2"]


def distance(first: Data, second: Data, **options) -> int:
    return graph_edit_distance(first, second, **options).item()


def edges_of(graph: Data, directed: bool) -> set[tuple[int, int]]:
    edges = map(tuple, graph.edge_index.t().tolist())
    return set(edges) if directed else {(min(e), max(e)) for e in edges}


def edits(first: Data, second: Data, partner: dict[int, int], directed: bool) -> int:
    """Count the edits by which nodes become their partners, from the definition."""
    labels, others = first.label.tolist(), second.label.tolist()
    edges, wanted = edges_of(first, directed), edges_of(second, directed)
    kept = {(partner.get(u), partner.get(v)) for u, v in edges}
    kept = kept if directed else kept | {(v, u) for u, v in kept}
    changed = sum(labels[u] != others[v] for u, v in partner.items())
    nodes = len(labels) + len(others) - 2 * len(partner)
    return changed + nodes + len(edges) + len(wanted) - 2 * len(kept & wanted)


def all_partners(n1: int, n2: int) -> list[dict[int, int]]:
    """Every way to give some of n1 nodes a partner of their own among n2."""
    choices = product([None, *range(n2)], repeat=n1)
    found = [{u: v for u, v in enumerate(choice) if v is not None} for choice in choices]
    return [partner for partner in found if len(set(partner.values())) == len(partner)]


@pytest.mark.parametrize("directed", [False, True])
def test_exact_is_the_best_of_all_ways_to_match(draw_graph, directed: bool) -> None:
    for label in 40 * ["label", None]:
        first, second = draw_graph(4), draw_graph(4)
        found = distance(first, second, label=label, directed=directed)
        if label is None:
            first.label.zero_(), second.label.zero_()
        ways = all_partners(first.num_nodes, second.num_nodes)
        assert found == min(edits(first, second, way, directed) for way in ways)


@pytest.mark.parametrize("directed", [False, True])
def test_exact_is_networkx_s(draw_graph, to_networkx, directed: bool) -> None:
    for _ in range(25):
        graphs = draw_graph(6, loops=False), draw_graph(6, loops=False)
        expected = nx.graph_edit_distance(
            *(to_networkx(graph, directed=directed) for graph in graphs),
            node_match=lambda a, b: a["label"] == b["label"],
        )
        assert distance(*graphs, directed=directed) == expected


def molecule(graph: dict) -> Data:
    labels = [int.from_bytes(symbol.encode()) for symbol in graph["labels"]]
    return Data(
        num_nodes=graph["num_nodes"],
        label=torch.tensor(labels),
        edge_index=torch.tensor(graph["edges"]).t(),
    )


def published(name: str, pairs: np.ndarray) -> torch.Tensor:
    matrix = np.loadtxt(AIDS / f"{name}_test_train.csv", delimiter=",", dtype=np.int64)
    return torch.from_numpy(matrix[tuple(pairs.T)])


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    """Draw indices of test and training graphs."""
    return np.random.default_rng(0).integers([140, 560], size=(60, 2))


@pytest.fixture(scope="module")
def molecules(pairs: np.ndarray) -> list[Batch]:
    sets = json.loads((AIDS / "graphs.json").read_text())
    return [
        Batch.from_data_list([molecule(sets[part][i]) for i in column])
        for part, column in zip(("test", "train"), pairs.T, strict=True)
    ]


@needs_aids
def test_exact_is_what_was_published_for_molecules(molecules, pairs) -> None:
    assert torch.equal(graph_edit_distance(*molecules), published("ged", pairs))


@needs_aids
def test_bounds_are_about_those_published_for_molecules(molecules, pairs) -> None:
    expected = published("approx_hungarian", pairs).double().mean().item()
    # Of assignments with equal cost, another may be selected.
    for method, tolerance in (("bipartite", 0.1), ("bp2", 0.2)):
        bound = graph_edit_distance(*molecules, method=method)
        assert bool((bound >= published("ged", pairs)).all())
        assert bound.double().mean().item() == pytest.approx(expected, rel=tolerance)


def local_cost(first: Data, second: Data, u, v, directed: bool, share: float) -> float:
    """Cost of a pair of nodes with the edges around them, None for one that is not there."""
    degrees = []
    for graph, node in ((first, u), (second, v)):
        edges = [e for e in edges_of(graph, directed) if e[0] != e[1]]
        out, into = ([e[side] for e in edges].count(node) for side in (0, 1))
        loop = (node, node) in edges_of(graph, directed)
        degrees.append(((out, into) if directed else (out + into,), loop))
    (d1, loop1), (d2, loop2) = degrees
    around = sum(abs(a - b) for a, b in zip(d1, d2, strict=True))
    changed = u is None or v is None or bool(first.label[u] != second.label[v])
    return changed + (loop1 != loop2) + share * around


@pytest.mark.parametrize("directed", [False, True])
def test_bipartite_takes_a_cheapest_of_all_assignments(draw_graph, directed: bool) -> None:
    # Over all ways to delete, change and insert nodes, as Riesen and Bunke have it.
    for _ in range(150):
        first, second = draw_graph(4), draw_graph(4)
        paths: dict[float, set[int]] = {}
        for way in all_partners(first.num_nodes, second.num_nodes):
            pairs = [*way.items()]
            pairs += [(u, None) for u in range(first.num_nodes) if u not in way]
            pairs += [(None, v) for v in range(second.num_nodes) if v not in way.values()]
            cost = sum(local_cost(first, second, u, v, directed, 1) for u, v in pairs)
            paths.setdefault(cost, set()).add(edits(first, second, way, directed))
        found = distance(first, second, method="bipartite", directed=directed)
        assert found in paths[min(paths)]


def test_bp2_is_greedy_from_both_sides(draw_graph) -> None:
    def one_sided(first: Data, second: Data, directed: bool) -> int:
        free, partner = list(range(second.num_nodes)), {}
        for u in range(first.num_nodes):
            costs = [local_cost(first, second, u, v, directed, 0.5) for v in free]
            apart = local_cost(first, second, u, None, directed, 0.5)
            if free:
                v = free[int(np.argmin(costs))]
                # It never pays to delete one node and to insert the other.
                assert min(costs) < apart + local_cost(first, second, None, v, directed, 0.5)
                partner[u] = v
                free.remove(v)
        return edits(first, second, partner, directed)

    for directed in 40 * [False, True]:
        first, second = draw_graph(5), draw_graph(5)
        found = distance(first, second, method="bp2", directed=directed)
        ways = ((first, second), (second, first))
        assert found == min(one_sided(*pair, directed) for pair in ways)


def test_no_bound_is_below_the_exact_distance(draw_graph) -> None:
    for directed in 25 * [False, True]:
        first, second = draw_graph(6), draw_graph(6)
        exact, *bounds = (distance(first, second, method=m, directed=directed) for m in METHODS)
        assert min(bounds) >= exact
        rebuilt = sum(g.num_nodes + len(edges_of(g, directed)) for g in (first, second))
        assert max(bounds) <= rebuilt


def test_the_exact_distance_is_a_metric(draw_graph) -> None:
    for _ in range(25):
        a, b, c = draw_graph(5), draw_graph(5), draw_graph(5)
        order = torch.arange(a.num_nodes).flip(0).roll(1)
        shuffled = Data(
            num_nodes=a.num_nodes,
            label=a.label[order],
            edge_index=order.argsort()[a.edge_index],
        )
        assert distance(a, shuffled, directed=True) == 0
        assert distance(a, b) == distance(b, shuffled)
        assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_known_distances() -> None:
    # A path becomes a star when an edge moves.
    path = Data(num_nodes=4, edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]))
    star = Data(num_nodes=4, edge_index=torch.tensor([[0, 0, 0], [1, 2, 3]]))
    empty = Data(num_nodes=0, edge_index=torch.empty(2, 0).long())
    for method in METHODS:
        assert distance(path, star, label=None, method=method) == 2
        assert distance(empty, star, label=None, method=method) == 7
        assert distance(empty, empty, label=None, method=method) == 0


def test_texts_by_hand() -> None:
    # "t" becomes "r", then a "t" and the edge to it are inserted.
    assert distance(text_graph("cat"), text_graph("cart"), directed=True) == 3
    # Read backwards it is the same graph, but for the directions of two edges.
    assert distance(text_graph("aba"), text_graph("aba"), directed=True) == 0
    assert distance(text_graph("abc"), text_graph("cba"), directed=True) == 2
    assert distance(text_graph("abc"), text_graph("cba")) == 0


def test_an_edge_counts_once_however_often_it_is_there() -> None:
    def pair(*edges: tuple[int, int]) -> Data:
        edge_index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
        return Data(num_nodes=2, edge_index=edge_index)

    assert distance(pair((0, 1), (1, 0), (0, 1)), pair(), label=None) == 1
    assert distance(pair((0, 1), (1, 0), (0, 1)), pair(), label=None, directed=True) == 2
    assert distance(pair((0, 0)), pair(), label=None) == 1
    assert distance(pair((0, 0)), pair((0, 1)), label=None) == 2


def test_a_pair_is_worth_the_same_alone_and_in_a_batch(draw_graph) -> None:
    empty = Data(num_nodes=0, label=torch.tensor([]).long(), edge_index=torch.empty(2, 0).long())
    first = [empty, *(draw_graph(5) for _ in range(4)), draw_graph(3), empty]
    second = [draw_graph(3), *(draw_graph(5) for _ in range(4)), empty, empty]
    batches = Batch.from_data_list(first), Batch.from_data_list(second)
    for method in METHODS:
        alone = [distance(a, b, method=method) for a, b in zip(first, second, strict=True)]
        assert graph_edit_distance(*batches, method=method).tolist() == alone
        metric = GraphEditDistance(method)
        metric.update(*batches)
        metric.update(first[1], second[1])
        assert metric.compute().item() == pytest.approx((sum(alone) + alone[1]) / 8)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"method": "greedy"}, "Expected 'method' to be one of 'exact', 'bipartite', 'bp2'"),
        ({"directed": 1}, "Expected 'directed' to be True or False"),
        ({"max_nodes": 0}, "Expected 'max_nodes' to be at least 1"),
    ],
)
def test_options_are_checked(option: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GraphEditDistance(**option)


def test_graphs_too_large_for_exact_are_refused() -> None:
    pair = text_graph("a" * 17), text_graph("a")
    with pytest.raises(ValueError, match=r"at most 'max_nodes' = 16 nodes .* \(got one of 17\)"):
        graph_edit_distance(*pair)
    assert distance(*pair, max_nodes=17) == 32
    assert distance(*pair, method="bipartite") == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "Expected 'second' to have the attribute 'label'"),
        ({"label": torch.ones(3, 2)}, r"Expected 'label' of 'second' to be \[N\] integers"),
        ({"batch": torch.tensor([0, 1, 0])}, "Expected the batch of 'second' to be sorted"),
        ({"batch": torch.tensor([0, 1, 1])}, "edges of 'second' to stay inside one graph"),
        ({"edge_index": torch.tensor([[0], [3]])}, "edges of 'second' to stay inside one graph"),
        ({"edge_index": None}, "Expected 'second' to have the attribute 'edge_index'"),
        ({"label": torch.ones(4).long()}, r"a label for each of 3 nodes \(got 4\)"),
    ],
)
def test_what_cannot_be_compared_is_named(change: dict, message: str) -> None:
    first, second = text_graph("abc"), text_graph("abd")
    for key, value in change.items():
        second[key] = value
    with pytest.raises(ValueError, match=message):
        graph_edit_distance(first, second)


def test_as_many_graphs_are_asked_for() -> None:
    pair = [text_graph("abc"), text_graph("abd")]
    with pytest.raises(ValueError, match=r"as many graphs each \(got 1 and 2\)"):
        graph_edit_distance(pair[0], Batch.from_data_list(pair))
