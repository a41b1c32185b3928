"""The structural distance against exact edit distances, by hand, and its invariances."""

import networkx as nx
import pytest
import torch
from scipy.stats import spearmanr
from torch_geometric.data import Batch, Data
from torch_geometric.utils import to_networkx, to_undirected

from pyg_grapheme.nn import StructuralDistance
from pyg_grapheme.nn.loss import distance_features, reach

LABELS = 3


def draw_graph(size: int, generator: torch.Generator) -> Data:
    """A random undirected graph with random labels."""
    upper = (torch.rand(size, size, generator=generator) < 0.4).triu(1)
    return Data(
        num_nodes=size,
        edge_index=to_undirected(upper.nonzero().T, num_nodes=size),
        label=torch.randint(LABELS, (size,), generator=generator),
    )


def draw_graphs(sizes: list[int], seed: int = 0) -> list[Data]:
    generator = torch.Generator().manual_seed(seed)
    return [draw_graph(size, generator) for size in sizes]


def permuted(graph: Data, seed: int = 0) -> Data:
    """The same graph, its nodes in another order, its edges too."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.randperm(graph.num_nodes, generator=generator)
    edges = torch.randperm(graph.num_edges, generator=generator)
    return Data(
        num_nodes=graph.num_nodes,
        edge_index=place[graph.edge_index[:, edges]],
        label=None if graph.get("label") is None else graph.label[place.argsort()],
    )


def unlabelled(graphs: list[Data]) -> list[Data]:
    return [Data(num_nodes=g.num_nodes, edge_index=g.edge_index) for g in graphs]


def compare(first: list[Data], second: list[Data], **options):
    return StructuralDistance(**options)(Batch.from_data_list(first), Batch.from_data_list(second))


@pytest.mark.parametrize("labelled", [True, False])
def test_it_orders_graphs_as_networkx_s_exact_distance_does(labelled: bool) -> None:
    sizes = [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    graphs, queries = draw_graphs(sizes), draw_graphs([1, 3, 4, 6], seed=1)
    if not labelled:
        graphs, queries = unlabelled(graphs), unlabelled(queries)
    pairs = [(query, graph) for query in queries for graph in graphs]

    def exact(*pair: Data) -> float:
        names = ["label"] if labelled else None
        return nx.graph_edit_distance(
            *(to_networkx(graph, names, to_undirected=True) for graph in pair),
            node_match=lambda a, b: a.get("label") == b.get("label"),
        )

    expected = torch.tensor([exact(*pair) for pair in pairs])
    found = compare(*(list(side) for side in zip(*pairs, strict=True))).distance
    assert spearmanr(found.numpy(), expected.numpy()).statistic > 0.9
    assert (found - expected).abs().mean() < 1


def test_it_is_symmetric_and_zero_for_isomorphic_graphs() -> None:
    graphs = draw_graphs([0, 1, 4, 6, 9, 12])
    same = compare(graphs, [permuted(graph) for graph in graphs])
    assert same.distance.tolist() == pytest.approx([0] * len(graphs), abs=1e-4)
    assert same.similarity.tolist() == pytest.approx([1] * len(graphs), abs=1e-4)
    others = draw_graphs([3, 2, 4, 7, 9, 5], seed=2)
    one_way, back = compare(graphs, others), compare(others, graphs)
    torch.testing.assert_close(one_way.distance, back.distance)
    assert (one_way.distance > 0.1).all()
    moved = compare([permuted(graph) for graph in graphs], others)
    torch.testing.assert_close(moved.distance, one_way.distance)


def test_it_is_clamped_at_zero() -> None:
    # Of 200 isomorphic pairs, rounding takes some below zero.
    graphs = unlabelled(draw_graphs(200 * [8]))
    pair = Batch.from_data_list(graphs), Batch.from_data_list([permuted(g) for g in graphs])
    first, second = distance_features(*pair)
    distance = StructuralDistance()
    sides = (first, second), (second, first), (first, first), (second, second)
    there, back, own, other = (distance.loss.compare(*side).total for side in sides)
    below = there + back - own - other < 0
    assert below.any()
    found = distance(*pair)
    assert (found.distance[below] == 0).all()
    assert (found.similarity[below] == 1).all()


def test_the_similarity_of_huge_differences_is_not_zero() -> None:
    complete = torch.combinations(torch.arange(120)).T
    large = Data(num_nodes=120, edge_index=to_undirected(complete))
    found = compare([large], [Data(num_nodes=0, edge_index=torch.empty(2, 0).long())])
    assert found.distance.item() > 1e3
    assert found.similarity.item() > 0


def test_a_pair_is_worth_the_same_alone_and_in_a_batch() -> None:
    first, second = draw_graphs([5, 0, 9, 2]), draw_graphs([4, 3, 2, 0], seed=3)
    together = compare(first, second)
    for b, pair in enumerate(zip(first, second, strict=True)):
        alone = StructuralDistance()(*pair)
        torch.testing.assert_close(together.distance[b], alone.distance[0])
        torch.testing.assert_close(together.similarity[b], alone.similarity[0])
    size = torch.tensor([4.5, 1.5, 5.5, 1.0])
    torch.testing.assert_close(together.similarity, (-together.distance / size).exp())


def test_labels_one_hot_features_and_no_labels() -> None:
    first, second = draw_graphs([5, 6]), draw_graphs([4, 6], seed=4)
    by_label = compare(first, second).distance
    for graph in (*first, *second):
        graph.x = torch.nn.functional.one_hot(graph.label, LABELS).float()
        del graph.label
    torch.testing.assert_close(compare(first, second).distance, by_label)
    without = compare(unlabelled(first), unlabelled(second)).distance
    for graph in (*first, *second):
        del graph.x
        graph.label = torch.full((graph.num_nodes,), 7)
    torch.testing.assert_close(compare(first, second).distance, without)
    assert (without < by_label).all()


def test_float64_has_its_precision() -> None:
    sides = [Batch.from_data_list(draw_graphs(sizes, seed=1)) for sizes in ([4, 7], [3, 6])]
    for side in sides:
        side.label = torch.nn.functional.one_hot(side.label, LABELS).double()
    distance = StructuralDistance()
    features = distance_features(*sides)
    there, back, *own = (
        distance.loss.compare(features[i], features[j]).total.tolist()
        for i, j in ((0, 1), (1, 0), (0, 0), (1, 1))
    )
    expected = [
        size ** (1 - 0.586) * (there[b] + back[b] - own[0][b] - own[1][b]) / 2
        for b, size in enumerate((3.5, 6.5))
    ]
    assert distance(*sides).distance.tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gradient", ["unrolled", "implicit"])
def test_gradcheck_in_distributions_over_labels(gradient: str) -> None:
    sides = [Batch.from_data_list(draw_graphs([3, 2], seed)) for seed in (5, 6)]
    generator = torch.Generator().manual_seed(0)
    for side in sides:
        del side.label
        side.x = torch.rand(5, 2, generator=generator, dtype=torch.double).softmax(1)
    steps = {"max_iterations": 2000, "tolerance": 1e-13} if gradient == "implicit" else {}
    distance = StructuralDistance(gradient=gradient, **steps)

    def values(x: torch.Tensor) -> torch.Tensor:
        sides[0].x = x
        found = distance(*sides)
        assert found.converged.all()
        return torch.stack([found.distance, found.similarity])

    x = sides[0].x.clone().requires_grad_()
    assert torch.autograd.gradcheck(values, x, rtol=1e-5, atol=1e-8)


def test_reach_is_the_number_of_nodes_within_two_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (1, 5, 12):
        arcs = torch.rand(size, size, generator=generator) < 0.2
        found = reach(arcs.nonzero().T.repeat(1, 2), size)
        graph = nx.from_numpy_array(arcs.numpy(), create_using=nx.DiGraph)
        near = dict(nx.all_pairs_shortest_path_length(graph, cutoff=2))
        assert found.tolist() == [len(near[node]) for node in range(size)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "Expected 'label' of 'second' to be a tensor"),
        ({"label": torch.rand(4, 3)}, "'label' of 'first' and 'label' of 'second' to be"),
        ({"label": torch.zeros(5).long()}, r"'label' of 'second' to have 4 rows, .* \(got 5\)"),
        ({"label": [0, 0, 0, 0]}, r"'label' of 'second' to be a tensor \(got list\)"),
        ({"label": torch.zeros(4)}, r"to be integers, as they are \[N\] \(got torch.int64 and"),
        ({"edge_index": torch.tensor([[0], [9]])}, "In 'second': .*'edge_index'"),
        ({"edge_index": None}, "Expected 'edge_index' of 'second' to be a tensor"),
    ],
)
def test_fields_that_do_not_fit_are_named(change: dict, message: str) -> None:
    first, second = (Batch.from_data_list([graph]) for graph in draw_graphs([4, 4]))
    for key, value in change.items():
        second[key] = value
    with pytest.raises(ValueError, match=message):
        StructuralDistance()(first, second)


def test_features_that_are_no_distributions_are_refused() -> None:
    for x in (torch.randn(3, 4), torch.full((3, 4), torch.nan)):
        graph = Data(x=x, edge_index=torch.empty(2, 0).long())
        with pytest.raises(ValueError, match=r"Expected 'x' of 'first' to be integers .* one-hot"):
            StructuralDistance()(graph, graph)


def test_a_number_of_nodes_that_is_given_counts() -> None:
    graph = Data(label=torch.zeros(5).long(), edge_index=torch.empty(2, 0).long(), num_nodes=3)
    with pytest.raises(ValueError, match=r"'label' of 'first' to have 3 rows, one per node"):
        StructuralDistance()(graph, graph)
    with pytest.raises(ValueError, match=r"'first' to be a Data or a Batch \(got Tensor\)"):
        StructuralDistance()(graph.label, graph)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="Expected 'max_iterations' to be at least 1"):
        StructuralDistance(max_iterations=0)
