"""Graphs away from ties, checked with SciPy and networkx."""

import networkx as nx
import pytest
import torch
from scipy.spatial.distance import pdist

from pyg_grapheme.testing import degenerate_graphs, tie_free_batch, tie_free_graph


@pytest.mark.parametrize("num_nodes", [0, 1, 2, 8, 12])
@pytest.mark.parametrize("seed", range(5))
def test_no_two_pairs_are_alike_to_the_same_degree(num_nodes: int, seed: int) -> None:
    graph = tie_free_graph(num_nodes, seed=seed)
    assert graph.num_nodes == num_nodes
    assert graph.x.dtype == graph.edge_attr.dtype == torch.double
    if num_nodes > 2:
        distances = torch.from_numpy(pdist(graph.x.numpy(), "cosine")).sort().values
        assert distances.diff().min() > 1e-3
    graph.validate()


def test_the_seed_decides() -> None:
    first, again, other = (tie_free_graph(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.edge_index, again.edge_index)
    assert not torch.equal(first.x, other.x)


@pytest.mark.parametrize("seed", range(5))
def test_acyclic_graphs_are(seed: int) -> None:
    graph = tie_free_graph(9, acyclic=True, edges_per_node=3, seed=seed)
    assert graph.num_edges > 9
    assert nx.is_directed_acyclic_graph(nx.DiGraph(graph.edge_index.T.tolist()))


def test_batches_have_the_sizes_asked_for() -> None:
    batch = tie_free_batch((3, 0, 5), features=2)
    assert batch.num_graphs == 3
    assert torch.bincount(batch.batch, minlength=3).tolist() == [3, 0, 5]
    assert batch.x.shape == (8, 2)


def test_room_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"'margin' to leave room for 9 nodes .* \(got 0.5\)"):
        tie_free_graph(9, margin=0.5)


def test_degenerate_graphs_are_what_their_names_say() -> None:
    graphs = degenerate_graphs(5)
    assert graphs["no nodes"].num_nodes == 0
    assert graphs["isolated nodes"].has_isolated_nodes()
    assert graphs["self-loops only"].has_self_loops()
    assert not graphs["repeated edges"].is_coalesced()
    assert graphs["both ways"].is_undirected()
    assert not graphs["one way"].is_undirected()
    assert all(graph.x.size(1) == 5 for graph in graphs.values())
