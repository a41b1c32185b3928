"""Conversion of merges to and from the selections of PyG and torch-geometric-pool."""

import pytest
import torch
from torch_geometric.nn.pool.select import SelectOutput, SelectTopK

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import (
    MergeHistory,
    PoolOutput,
    from_select_output,
    to_select_output,
    to_tgp_select_output,
)


@pytest.fixture
def pooled(draw_graphs) -> tuple[torch.Tensor, PoolOutput]:
    """Features, and their pooled graph."""
    x, edge_index, _, batch, size = draw_graphs(0, [9, 1, 6])
    out = ThresholdMergePool(0.3, estimator="none").double()(x, edge_index, None, batch, size)
    assert 3 < out.history.num_clusters < 16
    return x, out


def test_pyg_s_select_output_and_back(pooled) -> None:
    history = pooled[1].history
    select = to_select_output(history)
    assert select.num_nodes == 16
    assert select.num_clusters == history.num_clusters
    assert select.node_index.tolist() == list(range(16))
    back = from_select_output(select, num_graphs=3)
    assert torch.equal(back.cluster, history.cluster)
    torch.testing.assert_close(back.weight.double(), history.weight)
    assert back.num_graphs == 3
    assert back.threshold.isnan()


def test_the_order_of_the_nodes_in_a_selection_does_not_matter() -> None:
    select = SelectOutput(torch.tensor([2, 0, 1]), 3, torch.tensor([1, 0, 1]), 2)
    history = from_select_output(select)
    assert history.cluster.tolist() == [0, 1, 1]
    assert history.weight.tolist() == [1, 0.5, 0.5]


@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
def test_tgp_reduces_and_lifts_as_we_do(pooled) -> None:
    pytest.importorskip("tgp", reason="torch-geometric-pool is not installed")
    from tgp.lift import BaseLift
    from tgp.reduce import BaseReduce

    x, out = pooled
    select = to_tgp_select_output(out.history)
    reduced, _ = BaseReduce()(x, select)
    torch.testing.assert_close(reduced, out.x)
    lifted = BaseLift(matrix_op="precomputed")(out.x, select)
    torch.testing.assert_close(lifted, out.history.lift(out.x))
    assert torch.equal(from_select_output(select).cluster, out.history.cluster)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
def test_a_merge_of_tgp_s_edge_contraction_lifts(draw_graphs) -> None:
    poolers = pytest.importorskip("tgp.poolers", reason="torch-geometric-pool is not installed")
    x, edge_index, _, batch, _ = draw_graphs(1, [9, 6])
    select = poolers.EdgeContractionPooling(3)(x.float(), edge_index, batch=batch).so
    history = from_select_output(select, num_graphs=2)
    assert isinstance(history, MergeHistory)
    assert history.lift(torch.eye(history.num_clusters)).sum(0).tolist() == (
        torch.bincount(select.cluster_index).tolist()
    )


def test_a_selection_that_drops_nodes_is_refused() -> None:
    select = SelectTopK(3, ratio=0.5)(torch.randn(4, 3), torch.zeros(4).long())
    with pytest.raises(
        ValueError, match=r"'select' to assign every node to one cluster \(got 0 for"
    ):
        from_select_output(select)


def test_a_selection_that_splits_nodes_is_refused() -> None:
    select = SelectOutput(torch.tensor([0, 1, 1]), 2, torch.tensor([0, 0, 1]), 2)
    message = r"'select' to assign every node to one cluster \(got 2 for node 1 of 2\)"
    with pytest.raises(ValueError, match=message):
        from_select_output(select)


def test_what_is_no_selection_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'select' to be a SelectOutput .* \(got Tensor\)"):
        from_select_output(torch.zeros(3))  # type: ignore[arg-type]
