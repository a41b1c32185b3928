"""Offsets and repeated graphs, against loops."""

from itertools import accumulate

import pytest
import torch

from pyg_grapheme.graphs.repeat_graphs import gather_segments, repeat_graphs


@pytest.mark.parametrize(
    ("size", "index"),
    [
        ([2, 0, 3], [2, 1, 0, 0, 2]),
        ([1], []),
        ([0, 0], [1, 0]),
        ([3, 1], [0]),
        ([], []),
    ],
)
def test_segments_are_laid_side_by_side(size: list[int], index: list[int]) -> None:
    first = [sum(size[:i]) for i in range(len(size))]
    element = [first[i] + j for i in index for j in range(size[i])]
    owner = [position for position, i in enumerate(index) for _ in range(size[i])]
    start = [sum(size[i] for i in index[:position]) for position in range(len(index))]
    ptr = torch.tensor([0, *accumulate(size)])
    taken = gather_segments(ptr, torch.tensor(index).long())
    assert [t.tolist() for t in taken] == [element, owner, start]


@pytest.mark.parametrize("seed", range(5))
def test_copies_equal_the_graphs_that_they_are_of(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    sizes = [3, 0, 4, 1]
    batch = torch.repeat_interleave(torch.tensor(sizes))
    edges = torch.cat(
        [
            torch.randint(0, 3, (2, 5), generator=generator),
            torch.randint(3, 7, (2, 4), generator=generator),
        ],
        dim=1,
    )
    edges = edges[:, torch.randperm(9, generator=generator)]
    index = torch.tensor([2, 0, 0, 1, 3, 2])
    copies = repeat_graphs(edges, batch, len(sizes), index)
    assert copies.batch.tolist() == [r for r, g in enumerate(index) for _ in range(sizes[g])]
    for r, g in enumerate(index.tolist()):
        mine = copies.batch == r
        assert copies.node[mine].tolist() == (batch == g).nonzero().view(-1).tolist()
        inside = copies.batch[copies.edge_index[0]] == r
        assert copies.edge[inside].tolist() == (batch[edges[0]] == g).nonzero().view(-1).tolist()
    assert copies.node[copies.edge_index].equal(edges[:, copies.edge])
    assert copies.batch[copies.edge_index[0]].equal(copies.batch[copies.edge_index[1]])


def test_nothing_copied_is_nothing() -> None:
    empty = torch.empty(0, dtype=torch.long)
    copies = repeat_graphs(torch.tensor([[0], [1]]), torch.zeros(2).long(), 1, empty)
    assert [t.numel() for t in copies] == [0, 0, 0, 0]
