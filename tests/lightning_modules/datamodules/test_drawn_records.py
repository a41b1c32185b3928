"""Blocks of bounded size to train on."""

import networkx as nx
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_networkx

from lightning_modules.datamodules.drawn_records import DrawnRecords


def block(size: int) -> Data:
    """All pairs of some records; x, y and the attributes of a pair are numbers of records."""
    number = torch.arange(size)
    pairs = torch.combinations(number).T
    return Data(number[:, None].float(), pairs, pairs.T.float(), y=number, row=number)


def test_without_a_size_all_blocks_are_there_as_often_as_is_asked() -> None:
    graphs = [block(3), block(7)]
    drawn = DrawnRecords(graphs, None, 2)
    assert [drawn[i] for i in range(len(drawn))] == [graphs[0]] * 2 + [graphs[1]] * 2


def test_larger_blocks_are_drawn_from_and_visited_more_often() -> None:
    small, large = block(3), block(9)
    drawn = DrawnRecords([small, large], 4, 2)
    # ceil(9 / 4) visits of the larger block, twice.
    assert len(drawn) == 2 * (1 + 3)
    assert drawn[0] is small
    assert drawn[1] is small
    torch.manual_seed(0)
    found = [drawn[index] for index in range(2, 8)]
    for graph in found:
        rows = graph.row
        assert rows.unique().numel() == 4
        assert torch.equal(rows, rows.sort().values)
        assert torch.equal(graph.y, rows)
        assert torch.equal(graph.x.view(-1), rows.float())
        assert torch.equal(rows[graph.edge_index].T.float(), graph.edge_attr)
        assert graph.num_edges == 6
    assert len({tuple(graph.row.tolist()) for graph in found}) > 1
    torch.manual_seed(0)
    torch.rand(3)  # What else is drawn does not matter.
    assert torch.equal(drawn[2].row, found[0].row)
    torch.manual_seed(1)
    assert not torch.equal(drawn[2].row, found[0].row)


def test_records_are_drawn_with_their_candidates() -> None:
    number = torch.arange(40)
    # Four paths of ten records.
    left = number[number % 10 < 9]
    pairs = torch.stack([left, left + 1])
    graph = Data(number[:, None].float(), pairs, pairs.T.float(), y=number, row=number)
    torch.manual_seed(0)
    for size, parts in ((7, {1}), (10, {1}), (13, {2}), (20, {2}), (33, {4})):
        drawn = DrawnRecords([graph], size, 5)
        for index in range(len(drawn)):
            found = drawn[index]
            links = to_networkx(found, to_undirected=True)
            assert found.row.unique().numel() == size
            assert nx.number_connected_components(links) in parts


def test_records_without_candidates_are_drawn_too() -> None:
    row = torch.arange(9)
    graph = Data(row[:, None].float(), torch.empty(2, 0).long(), torch.empty(0, 2), row=row)
    found = DrawnRecords([graph], 5, 1)[0]
    assert found.row.unique().numel() == 5
    assert found.edge_attr.shape == (0, 2)
