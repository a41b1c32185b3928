"""The nearest nodes, against scikit-learn and by hand."""

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from pyg_grapheme.nn.rewire import nearest
from pyg_grapheme.nn.rewire.nearest import nearest_neighbours


@pytest.mark.parametrize("block_size", [1, 60, 2**20])
def test_the_same_as_scikit_learn(block_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "BLOCK_SIZE", block_size)
    sizes = [3, 0, 17, 1, 4, 4, 2, 30, 0]
    batch = torch.repeat_interleave(torch.tensor(sizes))
    x = torch.randn(len(batch), 5, generator=torch.Generator().manual_seed(0))
    for k in (1, 3, 50):
        found = set(map(tuple, nearest_neighbours(x, batch, len(sizes), k).T.tolist()))
        expected, first = set(), 0
        for size in sizes:
            if size > 1:
                rows = x[first : first + size].numpy()
                search = NearestNeighbors(metric="cosine", algorithm="brute")
                neighbours = search.fit(rows).kneighbors(
                    n_neighbors=min(k, size - 1), return_distance=False
                )
                expected |= {
                    (first + int(j), first + i) for i, row in enumerate(neighbours) for j in row
                }
            first += size
        assert found == expected


def test_ties_go_to_the_smaller_id() -> None:
    generator = torch.Generator().manual_seed(0)
    batch = torch.zeros(40).long()
    for dtype in (torch.float, torch.double, torch.half):
        for _ in range(20):
            kinds = torch.randn(3, 7, generator=generator).to(dtype)
            kind = torch.randint(3, (40,), generator=generator)
            length = torch.rand(40, 1, generator=generator, dtype=torch.double) + 0.5
            x = kinds[kind] * (1 if dtype == torch.half else length.to(dtype))
            found = nearest_neighbours(x, batch, 1, 2)
            for i in range(40):
                same = [j for j in range(40) if kind[j] == kind[i] and j != i][:2]
                assert found[0, found[1] == i].sort().values.tolist() == same


def test_zero_vectors_and_no_features_are_equally_near_to_all() -> None:
    batch = torch.zeros(4).long()
    for x in (torch.zeros(4, 3), torch.ones(4, 0)):
        found = nearest_neighbours(x, batch, 1, 2).T.tolist()
        assert sorted(found, key=lambda e: e[::-1]) == [
            [1, 0], [2, 0], [0, 1], [2, 1], [0, 2], [1, 2], [0, 3], [1, 3]
        ]  # fmt: skip
