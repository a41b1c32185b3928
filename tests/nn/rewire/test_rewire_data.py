"""Rewiring of PyG's Data and Batch."""

import pytest
import torch
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import Compose, ToUndirected

from pyg_grapheme.nn import ThresholdRewire


def draw(num_nodes: int, seed: int = 0) -> Data:
    generator = torch.Generator().manual_seed(seed)
    size = 2 * num_nodes
    return Data(
        x=torch.randn(num_nodes, 3, generator=generator),
        edge_index=torch.randint(num_nodes, (2, size), generator=generator),
        edge_attr=torch.rand(size, 2, generator=generator),
        edge_weight=torch.arange(1.0, size + 1),
        edge_label=torch.tensor([1, 0]),
        edge_label_index=torch.tensor([[0, 1], [1, 0]]),
        kept=torch.ones(size, dtype=torch.bool),
        pos=torch.rand(num_nodes, 2, generator=generator),
        y=torch.tensor([seed]),
        name=f"graph {seed}",
    )


@pytest.mark.parametrize("candidates", ["edges", "all"])
def test_a_new_graph_with_all_fields(candidates: str) -> None:
    data = draw(6)
    before = data.clone()
    rewire = ThresholdRewire(0.3, candidates=candidates)
    found, expected = rewire(data), rewire(data.x, data.edge_index, data.edge_attr)
    assert type(found) is Data
    assert found is not data
    assert torch.equal(found.edge_index, expected.edge_index)
    assert torch.equal(found.edge_attr, expected.edge_attr)
    assert not found.edge_attr.requires_grad
    edge = expected.history.edge
    assert 0 < (edge >= 0).sum() < 12
    assert bool((edge < 0).any()) == (candidates == "all")
    assert found.edge_weight.tolist() == [float(e + 1) for e in edge]
    assert found.kept.tolist() == [e >= 0 for e in edge.tolist()]
    for key in ("x", "pos", "y", "edge_label", "edge_label_index"):
        assert torch.equal(found[key], before[key])
    assert found.name == before.name
    assert found.validate()
    for key in before.keys():  # noqa: SIM118
        assert key == "name" or torch.equal(data[key], before[key])


@pytest.mark.parametrize("candidates", ["edges", "all"])
def test_a_batch_is_rewired_graph_by_graph(candidates: str) -> None:
    rewire = ThresholdRewire(0.3, candidates=candidates)
    graphs = [draw(n, seed) for seed, n in enumerate((5, 1, 7))]
    graphs.insert(1, Data(**{k: v[:0] if k != "name" else v for k, v in draw(2).to_dict().items()}))
    graphs[1].edge_index = graphs[1].edge_label_index = torch.empty(2, 0, dtype=torch.long)
    batch = rewire(Batch.from_data_list(graphs))
    for found, graph in zip(batch.to_data_list(), graphs, strict=True):
        expected = rewire(graph)
        assert found.name == expected.name
        for key in ("x", "edge_index", "edge_attr", "edge_weight", "edge_label_index", "y"):
            assert torch.equal(found[key], expected[key]), key


def test_as_a_transform() -> None:
    transform = Compose([ToUndirected(), ThresholdRewire(0.3, candidates="knn", k=1)])
    graphs = [transform(Data(x=draw(5, i).x, edge_index=draw(5, i).edge_index)) for i in range(4)]
    batch = next(iter(DataLoader(graphs, batch_size=4)))
    assert batch.num_edges == sum(graph.num_edges for graph in graphs)
    assert all(graph.is_undirected() for graph in graphs)


def test_one_edge_and_one_graph_are_told_apart_by_name() -> None:
    data = Data(x=torch.eye(2), edge_index=torch.tensor([[0], [1]]), y=torch.ones(1))
    data.edge_weight = torch.ones(1)
    found = ThresholdRewire(0.5)(data)
    assert found.num_edges == 0
    assert found.y.tolist() == [1]
    assert found.edge_weight.tolist() == []
    assert "edge_attr" not in found


def test_what_is_no_graph_is_refused() -> None:
    rewire = ThresholdRewire()
    with pytest.raises(ValueError, match=r"'data' to have its edges in 'edge_index'"):
        rewire(Data(x=torch.ones(2, 2)))
    with pytest.raises(ValueError, match=r"'x' to be a float tensor \[N, F\] \(got HeteroData\)"):
        rewire(HeteroData(), torch.empty(2, 0).long())


def test_targets_stay_whatever_their_number_is() -> None:
    graphs = [Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.ones(2))]
    batch = Batch.from_data_list(graphs * 2)
    found = ThresholdRewire(0.5)(batch)
    assert found.num_edges == 0
    assert found.y.tolist() == [1, 1, 1, 1]


def test_edges_are_inserted_where_there_were_none() -> None:
    data = Data(x=torch.ones(3, 2), edge_index=torch.empty(2, 0, dtype=torch.long))
    data.edge_weight = torch.empty(0)
    for graphs in (data, Batch.from_data_list([data, data])):
        found = ThresholdRewire(0.5, candidates="all")(graphs)
        assert found.edge_weight.tolist() == [0] * found.num_edges
        assert found.num_edges == 6 * (len(graphs.x) // 3)


def test_a_threshold_per_graph_can_be_given() -> None:
    data = draw(6)
    threshold = torch.tensor([0.9])
    found = ThresholdRewire(0.1)(data, threshold=threshold)
    expected = ThresholdRewire(0.9)(data)
    assert found.edge_index.equal(expected.edge_index)
