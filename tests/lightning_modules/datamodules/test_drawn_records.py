"""Blocks of bounded size to train on."""

import torch
from torch_geometric.data import Data

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
    assert torch.equal(drawn[2].row, found[0].row)
