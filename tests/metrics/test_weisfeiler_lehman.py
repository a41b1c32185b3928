"""The Weisfeiler-Lehman similarity against networkx, and by hand."""

from collections import Counter

import networkx as nx
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.metrics import WeisfeilerLehmanSimilarity, weisfeiler_lehman_similarity
from pyg_grapheme.text import text_graph


def similarity(first: Data, second: Data, **options) -> float:
    return weisfeiler_lehman_similarity(first, second, **options).item()


def colours(graph: nx.Graph, iterations: int) -> Counter:
    hashes = nx.weisfeiler_lehman_subgraph_hashes(
        graph, node_attr="label", iterations=iterations, include_initial_labels=True
    )
    return Counter((depth, name) for names in hashes.values() for depth, name in enumerate(names))


@pytest.mark.filterwarnings("ignore:The hashes produced for directed graphs:UserWarning")
@pytest.mark.parametrize("directed", [False, True])
def test_colours_are_networkx_s(draw_graph, to_networkx, directed: bool) -> None:
    iterations = 3
    pairs = [(draw_graph(6), draw_graph(6)) for _ in range(40)]
    found = weisfeiler_lehman_similarity(
        *(Batch.from_data_list(list(side)) for side in zip(*pairs, strict=True)),
        directed=directed,
        iterations=iterations,
    )
    expected = []
    for pair in pairs:
        a, b = (colours(to_networkx(graph, directed=directed), iterations) for graph in pair)
        aa, bb, ab = (sum(x[key] * y[key] for key in x) for x, y in ((a, a), (b, b), (a, b)))
        expected.append(ab / (aa * bb) ** 0.5 if aa * bb else float(aa == bb))
    assert len({round(value, 6) for value in expected}) > 10
    torch.testing.assert_close(found, torch.tensor(expected))


def test_by_hand() -> None:
    # At first the two nodes have the same colours, with an edge and without; from then on none.
    labels = torch.tensor([1, 2])
    edge = Data(num_nodes=2, label=labels, edge_index=torch.tensor([[0], [1]]))
    apart = Data(num_nodes=2, label=labels, edge_index=torch.empty(2, 0).long())
    assert similarity(edge, apart, iterations=1) == pytest.approx(2 / 4)
    assert similarity(edge, apart, iterations=3) == pytest.approx(2 / 8)
    assert similarity(edge, apart, iterations=3, label=None) == pytest.approx(4 / 16)
    assert similarity(edge, edge) == 1
    assert similarity(text_graph("ab"), text_graph("cd")) == 0
    # Of a path, 3 nodes are of one colour at first, then its ends of the colour of those of an edge
    # and its middle of its own.
    path = Data(num_nodes=3, edge_index=torch.tensor([[0, 1], [1, 2]]))
    assert similarity(path, edge, label=None, iterations=1) == pytest.approx(
        (3 * 2 + 2 * 2) / ((9 + 5) * (4 + 4)) ** 0.5
    )


def test_labels_that_python_hashes_alike_differ() -> None:
    assert hash(-1) == hash(-2)
    one, other = (
        Data(label=torch.tensor([label]), edge_index=torch.empty(2, 0).long()) for label in (-1, -2)
    )
    assert similarity(one, other) == 0


def test_only_directed_edges_tell_a_text_from_itself_backwards() -> None:
    assert similarity(text_graph("abc"), text_graph("cba")) == 1
    assert similarity(text_graph("abc"), text_graph("cba"), directed=True) < 0.5


def test_empty_graphs() -> None:
    assert similarity(text_graph(""), text_graph("")) == 1
    assert similarity(text_graph(""), text_graph("a")) == 0


def test_the_metric_is_the_mean_over_pairs(draw_graph) -> None:
    first, second = ([draw_graph(5) for _ in range(5)] for _ in range(2))
    alone = [similarity(a, b, iterations=2) for a, b in zip(first, second, strict=True)]
    metric = WeisfeilerLehmanSimilarity(iterations=2)
    metric.update(Batch.from_data_list(first[:3]), Batch.from_data_list(second[:3]))
    metric.update(Batch.from_data_list(first[3:]), Batch.from_data_list(second[3:]))
    assert metric.compute().item() == pytest.approx(sum(alone) / 5)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"iterations": 0}, "Expected 'iterations' to be at least 1"),
        ({"directed": None}, "Expected 'directed' to be True or False"),
    ],
)
def test_options_are_checked(option: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeisfeilerLehmanSimilarity(**option)
