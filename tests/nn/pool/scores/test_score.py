"""Candidate pairs and their cosines."""

from itertools import product

import pytest
import torch
from scipy.spatial.distance import cosine

from pyg_grapheme.nn.pool import cosine_score, edge_pairs


def test_pairs_are_the_set_of_undirected_edges() -> None:
    for seed in range(10):
        edges = torch.randint(7, (2, 20), generator=torch.Generator().manual_seed(seed))
        expected = sorted({(min(e), max(e)) for e in edges.T.tolist() if e[0] != e[1]})
        assert [tuple(p) for p in edge_pairs(edges, 7).T.tolist()] == expected, seed


def test_there_may_be_no_pair() -> None:
    for edges, num_nodes in (([[], []], 0), ([[], []], 3), ([[1, 1], [1, 1]], 2)):
        assert edge_pairs(torch.tensor(edges, dtype=torch.long), num_nodes).shape == (2, 0)


def test_scores_are_scipys_cosines() -> None:
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    pairs = torch.combinations(torch.arange(8)).T
    expected = [1 - cosine(x[i].numpy(), x[j].numpy()) for i, j in pairs.T.tolist()]
    torch.testing.assert_close(cosine_score(x, pairs), torch.tensor(expected).double())


@pytest.mark.parametrize(
    ("dtype", "scales"),
    [
        (torch.float, (1e-6, 1.0, 1e6)),
        (torch.half, (0.005, 0.5, 100.0)),
        (torch.bfloat16, (0.005, 0.5, 100.0)),
    ],
    ids=["float32", "float16", "bfloat16"],
)
def test_length_does_not_matter(dtype: torch.dtype, scales: tuple[float, ...]) -> None:
    for scale in scales:
        x = (torch.tensor([[3.0, 4.0], [4.0, 3.0]]) * scale).to(dtype)
        score = cosine_score(x, torch.tensor([[0], [1]])).item()
        assert score == pytest.approx(24 / 25, rel=4 * torch.finfo(dtype).eps), scale


def test_a_zero_vector_scores_zero_with_finite_gradient() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, 2.0]], requires_grad=True)
    score = cosine_score(x, torch.tensor([[0], [1]]))
    score.sum().backward()
    assert score.tolist() == [0.0]
    assert torch.isfinite(x.grad).all()


def test_gradcheck_of_the_cosine() -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    x.requires_grad_()
    for pairs in ([[0, 0, 1], [1, 2, 3]], [[1, 0, 3, 0], [0, 2, 1, 1]]):
        ends = torch.tensor(pairs)
        assert torch.autograd.gradcheck(lambda t, e=ends: cosine_score(t, e), x)
        assert torch.autograd.gradgradcheck(lambda t, e=ends: cosine_score(t, e).sin(), x)


def test_the_gradient_is_that_of_torch_s_cosine_similarity() -> None:
    x = torch.randn(50, 7, generator=torch.Generator().manual_seed(2), dtype=torch.double)
    x[3] = 0
    x.requires_grad_()
    pairs = torch.combinations(torch.arange(50)).T
    pairs = pairs[:, (pairs != 3).all(0)]
    weight = torch.randn(pairs.size(1), generator=torch.Generator().manual_seed(3)).double()
    expected = torch.cosine_similarity(x[pairs[0]], x[pairs[1]])
    found = cosine_score(x, pairs)
    torch.testing.assert_close(found, expected)
    (expected,) = torch.autograd.grad(expected, x, weight)
    torch.testing.assert_close(torch.autograd.grad(found, x, weight)[0], expected)


def test_second_derivatives_at_zero_vectors_are_finite() -> None:
    x = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0]], dtype=torch.double)
    x.requires_grad_()
    score = cosine_score(x, torch.tensor([[0, 0, 1], [1, 2, 2]]))
    (gradient,) = torch.autograd.grad(score.square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.pow(2).sum(), x)
    assert torch.isfinite(second).all()
    rest = x.detach()[1:].requires_grad_()
    alone = torch.cosine_similarity(rest[0], rest[1], dim=0)
    (expected,) = torch.autograd.grad(alone.square(), rest, create_graph=True)
    (expected,) = torch.autograd.grad(expected.pow(2).sum(), rest)
    torch.testing.assert_close(second[1:], expected)


def test_the_order_of_the_nodes_and_of_the_pairs_does_not_change_a_bit() -> None:
    """``forward`` scores the edges as they stand, ``cuts`` each pair once."""
    generator = torch.Generator().manual_seed(4)
    edges = torch.randint(40, (2, 300), generator=generator)
    pairs = edge_pairs(edges, 40)
    for dtype, width in product((torch.half, torch.float, torch.double), (1, 7, 64, 100)):
        x = torch.randn(40, width, generator=generator).to(dtype)
        table = torch.zeros(40, 40, dtype=torch.promote_types(dtype, torch.float))
        table[*pairs] = cosine_score(x, pairs)
        apart = edges[:, edges[0] != edges[1]]
        expected = table[apart.amin(0), apart.amax(0)]
        for ends in (apart, apart.flip(0)):
            assert torch.equal(cosine_score(x, ends), expected), (dtype, width)


def test_pairs_of_large_int32_numbers() -> None:
    edges = torch.tensor([[70_000], [70_001]], dtype=torch.int32)
    assert edge_pairs(edges, 80_000).tolist() == [[70_000], [70_001]]


def test_edges_known_to_be_undirected_give_the_same_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(9, (2, 20), generator=generator)
    edges = torch.unique(torch.cat([edges, edges.flip(0)], 1), dim=1)
    expected = sorted({tuple(sorted(edge)) for edge in edges.T.tolist() if edge[0] != edge[1]})
    for layout, given in {
        "row": edges,
        "col": edges.flip(0),
        "shuffled": edges[:, torch.randperm(edges.size(1), generator=generator)],
        "repeated": edges.repeat_interleave(2, dim=1),
    }.items():
        found = edge_pairs(given, 9, undirected=True).T.tolist()
        assert [tuple(pair) for pair in found] == expected, layout
