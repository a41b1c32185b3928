"""The graphs that pools are put through are what they are said to be."""

import networkx as nx
import pytest
import torch

from pyg_grapheme.testing.specimens import draw_specimens


@pytest.mark.parametrize("features", [2, 3, 512])
def test_sizes_and_shapes_are_those_written_down(features: int) -> None:
    specimens = draw_specimens(features)
    assert torch.bincount(specimens.batch.batch).tolist() == [6, 1, 5]
    assert torch.bincount(specimens.gap.batch).tolist() == [4, 0, 3]
    assert (specimens.sparse.num_nodes, specimens.sparse.num_edges) == (8, 12)
    assert (specimens.dense.num_nodes, specimens.dense.num_edges) == (9, 27)
    assert specimens.dense.has_self_loops()
    assert not specimens.dense.is_coalesced()
    assert specimens.edgeless.num_edges == 0
    path = nx.DiGraph(specimens.path.edge_index.T.tolist())
    assert nx.utils.graphs_equal(path, nx.path_graph(9).to_directed())
    star = nx.DiGraph(specimens.star.edge_index.T.tolist())
    assert nx.is_arborescence(star)
    assert star.out_degree(0) == 8
    assert all(graph.x.size(1) == features for graph in specimens.degenerate.values())


def test_moving_copies() -> None:
    specimens = draw_specimens(3)
    moved = specimens.to(torch.device("cpu"), torch.double)
    moved.batch.x.zero_()
    moved.degenerate["no edges"].x.zero_()
    assert bool(specimens.batch.x.all())
    assert bool(specimens.degenerate["no edges"].x.all())
    single = specimens.to(torch.device("cpu"), torch.float)
    assert single.sparse.x.dtype == single.batch.edge_attr.dtype == torch.float
    assert single.sparse.edge_index.dtype == single.batch.batch.dtype == torch.long
    assert len(single.batch.to_data_list()) == 3


@pytest.mark.parametrize("features", [1, 0, -3, 2.0, True])
def test_too_few_features_are_refused(features: object) -> None:
    with pytest.raises(ValueError, match=rf"'features' to be an int, .* \(got {features}\)"):
        draw_specimens(features)
