"""Test graphs, checked with SciPy and networkx."""

import networkx as nx
import pytest
import torch
from scipy.spatial.distance import pdist

from pyg_grapheme.testing import degenerate_graphs, tie_free_batch, tie_free_graph
from pyg_grapheme.testing.graphs import draw_test_graphs


def test_no_two_pairs_are_equally_similar() -> None:
    for num_nodes in (0, 1, 2, 8, 12):
        for seed in range(5):
            graph = tie_free_graph(num_nodes, seed=seed)
            graph.validate()
            assert graph.num_nodes == num_nodes
            assert graph.x.dtype == graph.edge_attr.dtype == torch.double
            if num_nodes > 2:
                distances = torch.from_numpy(pdist(graph.x.numpy(), "cosine")).sort().values
                assert distances.diff().min() > 1e-3, (num_nodes, seed)


def test_the_seed_decides() -> None:
    first, again, other = (tie_free_graph(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.edge_index, again.edge_index)
    assert not torch.equal(first.x, other.x)


def test_acyclic_graphs_are_acyclic() -> None:
    for seed in range(5):
        graph = tie_free_graph(9, acyclic=True, edges_per_node=3, seed=seed)
        assert graph.num_edges > 9, seed
        assert nx.is_directed_acyclic_graph(nx.DiGraph(graph.edge_index.T.tolist())), seed


def test_batches_have_the_sizes_asked_for() -> None:
    batch = tie_free_batch((3, 0, 5), features=2)
    assert batch.num_graphs == 3
    assert torch.bincount(batch.batch, minlength=3).tolist() == [3, 0, 5]
    assert batch.x.shape == (8, 2)


def test_a_margin_that_cannot_be_kept_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'margin' to be small enough for 9 nodes .* \(got 0.5\)"):
        tie_free_graph(9, margin=0.5)


def test_numbers_that_do_not_fit_are_refused() -> None:
    for options, message in (
        ({"num_nodes": -1}, r"'num_nodes' to be at least 0 \(got -1\)"),
        ({"num_nodes": 2.5}, r"'num_nodes' to be an int \(got 2.5\)"),
        ({"features": 0}, r"'features' to be at least 1 \(got 0\)"),
        ({"edges_per_node": -1}, r"'edges_per_node' to be at least 0 \(got -1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            tie_free_graph(**options)


def test_degenerate_graphs_are_what_their_names_say() -> None:
    graphs = degenerate_graphs(5)
    assert graphs["no nodes"].num_nodes == 0
    assert graphs["isolated nodes"].has_isolated_nodes()
    assert graphs["self-loops only"].has_self_loops()
    assert not graphs["repeated edges"].is_coalesced()
    assert graphs["both ways"].is_undirected()
    assert not graphs["one way"].is_undirected()
    assert all(graph.x.size(1) == 5 for graph in graphs.values())


@pytest.mark.parametrize("features", [2, 3, 512])
def test_the_graphs_of_the_checks_are_as_documented(features: int) -> None:
    graphs = draw_test_graphs(features)
    assert torch.bincount(graphs.batch.batch).tolist() == [6, 1, 5]
    assert torch.bincount(graphs.gap.batch).tolist() == [4, 0, 3]
    assert (graphs.sparse.num_nodes, graphs.sparse.num_edges) == (8, 12)
    assert (graphs.dense.num_nodes, graphs.dense.num_edges) == (9, 27)
    assert graphs.dense.has_self_loops()
    assert not graphs.dense.is_coalesced()
    assert graphs.edgeless.num_edges == 0
    path = nx.DiGraph(graphs.path.edge_index.T.tolist())
    assert nx.utils.graphs_equal(path, nx.path_graph(9).to_directed())
    star = nx.DiGraph(graphs.star.edge_index.T.tolist())
    assert nx.is_arborescence(star)
    assert star.out_degree(0) == 8
    assert all(graph.x.size(1) == features for graph in graphs.degenerate.values())


def test_the_graphs_of_the_checks_are_copied() -> None:
    graphs = draw_test_graphs(3)
    moved = graphs.to(torch.device("cpu"), torch.double)
    moved.batch.x.zero_()
    moved.degenerate["no edges"].x.zero_()
    assert bool(graphs.batch.x.all())
    assert bool(graphs.degenerate["no edges"].x.all())
    single = graphs.to(torch.device("cpu"), torch.float)
    assert single.sparse.x.dtype == single.batch.edge_attr.dtype == torch.float
    assert single.sparse.edge_index.dtype == single.batch.batch.dtype == torch.long
    assert len(single.batch.to_data_list()) == 3


def test_too_few_features_are_refused() -> None:
    for features in (1, 0, -3, 2.0, True):
        with pytest.raises(ValueError, match=rf"'features' to be an int .* \(got {features}\)"):
            draw_test_graphs(features)
