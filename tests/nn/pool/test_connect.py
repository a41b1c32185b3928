"""Quotient edges against a dictionary."""

import math
from collections import defaultdict

import pytest
import torch

from pyg_grapheme.nn.pool.connect import connect_clusters

REDUCE = {
    "sum": sum,
    "mean": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
    "mul": math.prod,
}


@pytest.mark.parametrize("edge_reduce", REDUCE)
def test_edges_and_attributes_equal_a_dictionary(edge_reduce: str) -> None:
    for shape in ((40,), (40, 1), (40, 3)):
        generator = torch.Generator().manual_seed(3)
        cluster = torch.randint(4, (12,), generator=generator)
        edge_index = torch.randint(12, (2, 40), generator=generator)
        edge_attr = torch.randn(shape, generator=generator, dtype=torch.double)
        parallel = defaultdict(list)
        for e, (u, v) in enumerate(edge_index.T.tolist()):
            if cluster[u] != cluster[v]:
                parallel[int(cluster[u]), int(cluster[v])].append(edge_attr[e].view(-1).tolist())
        found, attr = connect_clusters(cluster, 4, edge_index, edge_attr, edge_reduce)
        assert found.T.tolist() == [list(edge) for edge in sorted(parallel)]
        expected = [
            [REDUCE[edge_reduce](column) for column in zip(*parallel[edge], strict=True)]
            for edge in sorted(parallel)
        ]
        torch.testing.assert_close(attr.view(len(expected), -1), torch.tensor(expected).double())
        assert attr.shape[1:] == shape[1:]


def test_direction_is_kept() -> None:
    edges, attr = connect_clusters(
        torch.tensor([0, 0, 1]), 2, torch.tensor([[0, 1, 2], [2, 2, 1]]), torch.tensor([1, 2, 4])
    )
    assert edges.tolist() == [[0, 1], [1, 0]]
    assert attr.tolist() == [3, 4]


def test_without_attributes_there_are_none() -> None:
    edges, attr = connect_clusters(torch.tensor([0, 1]), 2, torch.tensor([[1, 1], [0, 0]]))
    assert edges.tolist() == [[1], [0]]
    assert attr is None


@pytest.mark.parametrize(
    ("cluster", "edge_index"),
    [([0, 1], [[], []]), ([], [[], []]), ([0, 0], [[0, 1], [1, 1]])],
    ids=["no edges", "no nodes", "all inside"],
)
def test_no_edge_may_be_left(cluster: list[int], edge_index: list[list[int]]) -> None:
    edges = torch.tensor(edge_index, dtype=torch.long)
    labels = torch.tensor(cluster, dtype=torch.long)
    found, attr = connect_clusters(labels, len(cluster), edges, torch.ones(edges.size(1), 2))
    assert found.shape == (2, 0)
    assert attr.shape == (0, 2)


@pytest.mark.parametrize("edge_reduce", REDUCE)
def test_gradcheck_in_the_attributes(edge_reduce: str) -> None:
    cluster, edges = torch.tensor([0, 0, 1]), torch.tensor([[0, 1, 2, 0], [2, 2, 1, 1]])
    for shape in ((4,), (4, 2)):
        generator = torch.Generator().manual_seed(0)
        attr = torch.randn(shape, generator=generator, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(
            lambda a: connect_clusters(cluster, 2, edges, a, edge_reduce)[1], attr
        )


@pytest.mark.parametrize(
    ("edge_reduce", "expected"),
    [("sum", 300), ("mean", 1.0), ("max", 1), ("min", 1), ("mul", 1)],
)
def test_small_integers_do_not_overflow(edge_reduce: str, expected: float) -> None:
    edges, cluster = torch.tensor([[0], [1]]).expand(2, 300), torch.tensor([0, 1])
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int64):
        ones = torch.ones(300).to(dtype)
        _, attr = connect_clusters(cluster, 2, edges, ones, edge_reduce)
        assert attr.tolist() == [expected], dtype
        _, single = connect_clusters(cluster, 2, edges[:, :1], ones[:1], edge_reduce)
        assert single.dtype == attr.dtype, dtype
