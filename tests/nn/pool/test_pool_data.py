"""Data and Batch through the pool, field by field, against loops over clusters."""

from typing import get_args

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, HeteroData

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.typing import MergeName


def graph(seed: int, num_nodes: int, num_edges: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    return Data(
        x=torch.randn(num_nodes, 3, generator=generator),
        edge_index=torch.randint(num_nodes, (2, num_edges), generator=generator),
        edge_attr=torch.randn(num_edges, 2, generator=generator),
        edge_weight=torch.rand(num_edges, generator=generator),
        edge_type=torch.randint(5, (num_edges,), generator=generator),
        pos=torch.randn(num_nodes, 2, generator=generator),
        mass=torch.rand(num_nodes, generator=generator),
        frame=torch.randn(num_nodes, 2, 3, generator=generator),
        half=torch.randn(num_nodes, generator=generator).half(),
        kind=torch.randint(9, (num_nodes,), generator=generator),
        train_mask=torch.rand(num_nodes, generator=generator) < 0.5,
        edge_label_index=torch.randint(num_nodes, (2, 4), generator=generator),
        y=torch.tensor([seed]),
        name=f"graph {seed}",
    )


@pytest.fixture
def batch() -> Batch:
    """Four graphs; one has an edge more than nodes, one an edge less."""
    return Batch.from_data_list([graph(0, 9, 14), graph(1, 1, 0), graph(2, 6, 7), graph(3, 8, 7)])


@pytest.fixture
def pool() -> ThresholdMergePool:
    return ThresholdMergePool(0.2, edge_reduce="mean", estimator="gate")


def members(pooled: Batch) -> list[Tensor]:
    history = pooled.history
    found = [history.members(k) for k in range(history.num_clusters)]
    assert 4 < len(found) < 24
    assert len(torch.cat(found)) == 24
    return found


def test_the_graph_is_the_pool_s(batch: Batch, pool: ThresholdMergePool) -> None:
    pooled = pool.pool_data(batch)
    expected = pool(batch.x, batch.edge_index, batch.edge_attr, batch.batch, 4)
    assert isinstance(pooled, Batch)
    assert pooled.num_graphs == 4
    assert pooled.num_nodes == expected.history.num_clusters
    for key in ("x", "edge_index", "edge_attr", "batch"):
        assert torch.equal(pooled[key], getattr(expected, key))


def test_fields_of_nodes_follow_their_nodes(batch: Batch, pool: ThresholdMergePool) -> None:
    pooled = pool.pool_data(batch)
    found = members(pooled)
    for key in ("pos", "mass", "frame", "half"):
        expected = torch.stack([batch[key][m].mean(0) for m in found])
        torch.testing.assert_close(pooled[key], expected)
    for key in ("kind", "train_mask"):
        assert pooled[key].tolist() == [batch[key][m.min()].item() for m in found]


def test_fields_of_edges_follow_their_edges(batch: Batch, pool: ThresholdMergePool) -> None:
    pooled = pool.pool_data(batch)
    ends = pooled.history.cluster[batch.edge_index].T.tolist()
    for i, edge in enumerate(pooled.edge_index.T.tolist()):
        parallel = [k for k, other in enumerate(ends) if other == edge]
        torch.testing.assert_close(pooled.edge_weight[i], batch.edge_weight[parallel].mean())
        assert pooled.edge_type[i] == batch.edge_type[parallel[0]]


def test_indices_of_nodes_become_indices_of_clusters(batch: Batch, pool) -> None:
    pooled = pool.pool_data(batch)
    assert torch.equal(pooled.edge_label_index, pooled.history.cluster[batch.edge_label_index])


def test_fields_of_graphs_stay(batch: Batch, pool: ThresholdMergePool) -> None:
    pooled = pool.pool_data(batch)
    assert pooled.y.tolist() == [0, 1, 2, 3]
    assert pooled.name == ["graph 0", "graph 1", "graph 2", "graph 3"]


def test_it_comes_apart_into_what_each_graph_gives_alone(batch: Batch, pool) -> None:
    for pool.merge in get_args(MergeName):
        whole = pool.pool_data(batch)
        parts = whole.to_data_list()
        assert len(parts) == 4
        for part, alone in zip(parts, batch.to_data_list(), strict=True):
            expected = pool.pool_data(alone).to_data_list()[0]
            assert set(part.keys()) == set(expected.keys()) == set(alone.keys())
            for key in alone.keys():  # noqa: SIM118
                if isinstance(alone[key], Tensor):
                    torch.testing.assert_close(part[key], expected[key], msg=f"{pool.merge} {key}")
                else:
                    assert part[key] == alone[key]
        again = Batch.from_data_list(parts)
        assert torch.equal(again.edge_index, whole.edge_index)
        assert torch.equal(again.ptr, whole.ptr)


def test_it_can_be_pooled_again(batch: Batch, pool: ThresholdMergePool) -> None:
    twice = pool.pool_data(pool.pool_data(batch))
    assert twice.num_graphs == 4
    assert twice.y.tolist() == [0, 1, 2, 3]
    assert len(twice.to_data_list()) == 4


def test_gradients_go_through(batch: Batch, pool: ThresholdMergePool) -> None:
    batch.x.requires_grad_()
    batch.pos.requires_grad_()
    pooled = pool.pool_data(batch)
    (pooled.x.sum() + pooled.pos.sum()).backward()
    torch.testing.assert_close(
        batch.pos.grad, pooled.history.weight[:, None].expand_as(batch.pos).contiguous()
    )
    assert pool.raw_threshold.grad != 0


def test_a_batch_made_by_hand(batch: Batch, pool: ThresholdMergePool) -> None:
    """A batch without slices, as PyG's own pools return it."""
    fields = {"x": batch.x, "edge_index": batch.edge_index, "batch": batch.batch, "y": batch.y}
    for own in (Batch(**fields), Data(**fields)):
        pooled = pool.pool_data(own)
        assert torch.equal(pooled.x, pool.pool_data(batch).x)
        assert [int(part.y) for part in pooled.to_data_list()] == [0, 1, 2, 3]


def test_moving_and_copying_takes_the_history_along(batch: Batch, pool) -> None:
    pooled = pool.pool_data(batch).clone().to("meta")
    assert pooled.history.cluster.device.type == "meta"


def test_rows_of_graphs_are_told_from_rows_of_edges_and_nodes(pool) -> None:
    """Equal numbers of edges and graphs, of edges and nodes, or of nodes and graphs."""
    x = torch.tensor([[1.0, 0.0], [1.0, 0.1]])
    joined, label = torch.tensor([[0], [1]]), torch.tensor([3])
    one_edge = Data(x=x, edge_index=joined, y=label, score=label / 2, edge_weight=torch.ones(1))
    pooled = pool.pool_data(Batch.from_data_list([one_edge, one_edge]))
    assert pooled.num_nodes == 2
    assert pooled.y.tolist() == [3, 3]
    assert pooled.score.tolist() == [1.5, 1.5]
    assert pooled.edge_weight.numel() == 0
    assert pool.pool_data(one_edge).y.tolist() == [3]
    both = torch.tensor([[0, 1], [1, 0]])
    as_many = Data(x=x, edge_index=both, kind=torch.tensor([5, 6]), edge_kind=torch.tensor([7, 8]))
    pooled = pool.pool_data(as_many)
    assert (pooled.kind.tolist(), pooled.edge_kind.tolist()) == ([5], [])
    single = Data(x=x[:1], edge_index=both[:, :0], y=torch.tensor([0.5]))
    assert pool.pool_data(single).y.tolist() == [0.5]


def test_labels_of_their_own_edges_stay_with_them(pool: ThresholdMergePool) -> None:
    """The layout of link prediction."""
    edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
    data = Data(x=torch.eye(3), edge_index=edges, edge_label_index=edges[:, [2, 0, 1]])
    data.x[1] = data.x[0]
    data.edge_label = torch.tensor([1, 0, 1])
    pooled = pool.pool_data(data)
    assert pooled.edge_label_index.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert pooled.edge_label.tolist() == [1, 0, 1]


def test_faces_follow_and_cached_fields_of_the_old_graph_are_gone(pool) -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    edges, face = torch.tensor([[0], [1]]), torch.tensor([[0], [1], [2]])
    part = Data(x=x, edge_index=edges, face=face, pos=x.clone(), num_nodes=3)
    pooled = pool.pool_data(Batch.from_data_list([part, part], follow_batch=["pos"]))
    assert pooled.face.tolist() == [[0, 2], [0, 2], [1, 3]]
    assert "pos_ptr" not in pooled
    parts = pooled.to_data_list()
    assert [p.num_nodes for p in parts] == [2, 2]
    assert parts[1].face.tolist() == [[0], [0], [1]]
    again = Batch.from_data_list(parts)
    assert again.batch.tolist() == pooled.batch.tolist() == [0, 0, 1, 1]
    assert torch.equal(again.face, pooled.face)


def test_indices_of_no_node_are_refused(pool: ThresholdMergePool) -> None:
    data = Data(x=torch.eye(2), edge_index=torch.tensor([[0], [1]]), my_index=torch.tensor(7))
    with pytest.raises(ValueError, match=r"'my_index' to hold nodes in \[0, 2\) \(got 7 to 7\)"):
        pool.pool_data(data)


def test_other_data_is_refused(pool: ThresholdMergePool) -> None:
    hetero = HeteroData()
    hetero["a"].x = torch.randn(2, 3)
    with pytest.raises(ValueError, match=r"'data' to be a Data or a Batch .* \(got HeteroData\)"):
        pool.pool_data(hetero)
    heteros = Batch.from_data_list([hetero])
    with pytest.raises(ValueError, match=r"'data' to be a Data or .* \(got HeteroDataBatch\)"):
        pool.pool_data(heteros)
    with pytest.raises(ValueError, match=r"'data' to have its edges in 'edge_index' .* \(got none"):
        pool.pool_data(Data(x=torch.randn(2, 3)))
    with pytest.raises(ValueError, match=r"'data' to have its edges .* \(got a sparse 'adj_t'\)"):
        pool.pool_data(Data(x=torch.randn(2, 3), adj_t=torch.eye(2).to_sparse_csr()))
    with pytest.raises(ValueError, match=r"'x' to be a float tensor \[N, F\] \(got NoneType\)"):
        pool.pool_data(Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=3))
