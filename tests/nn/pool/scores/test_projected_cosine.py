"""The cosine of linearly mapped features, alone and in a pool."""

import math

import torch
from torch import Tensor

from pyg_grapheme.nn.pool import ProjectedCosine, ThresholdMergePool


def test_it_is_the_cosine_of_the_mapped_features() -> None:
    score = ProjectedCosine(2, 3, bias=False)
    with torch.no_grad():
        score.map.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    found = score(torch.tensor([[3.0, 2.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 5.0]]))
    # (3, 4, 0) and (1, 0, 0): 3 / 5; (1, 0, 0) and (0, 10, 0) are at right angles.
    torch.testing.assert_close(found, torch.tensor([3 / 5, 0.0]))


def test_order_length_and_edge_attributes_do_not_matter() -> None:
    torch.manual_seed(0)
    score = ProjectedCosine(6, bias=False).double()
    x, y = torch.randn(2, 50, 6, dtype=torch.double)
    found = score(x, y)
    assert found.shape == (50,)
    assert bool((found.abs() <= 1 + 1e-12).all())
    torch.testing.assert_close(score(y, x), found)
    torch.testing.assert_close(score(3 * x, y / 7), found)
    assert torch.equal(score(x, y, torch.randn(50, 2)), found)
    torch.testing.assert_close(score(x, -x), -torch.ones(50, dtype=torch.double))


def test_a_bias_is_added_to_both_ends() -> None:
    score = ProjectedCosine(2, 2)
    with torch.no_grad():
        score.map.weight.copy_(torch.eye(2))
        score.map.bias.copy_(torch.tensor([0.0, 4.0]))
    found = score(torch.tensor([[3.0, 0.0], [0.0, 0.0]]), torch.tensor([[-3.0, 0.0], [0.0, 9.0]]))
    # (3, 4) and (-3, 4): (16 - 9) / 25; (0, 4) and (0, 13) point the same way.
    torch.testing.assert_close(found, torch.tensor([7 / 25, 1.0]))


def test_gradcheck() -> None:
    torch.manual_seed(0)
    score = ProjectedCosine(4, 3).double()

    def scored(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(score, {"map.weight": weight}, (x, y))

    x, y = (torch.randn(5, 4, dtype=torch.double, requires_grad=True) for _ in range(2))
    weight = score.map.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(scored, (x, y, weight))


def test_a_pool_merges_nodes_whose_mapped_features_are_alike() -> None:
    score = ProjectedCosine(2, 1, bias=False)
    with torch.no_grad():
        score.map.weight.copy_(torch.tensor([[0.0, 1.0]]))
    pool = ThresholdMergePool(0.5, score=score)
    x = torch.tensor([[9.0, 1.0], [-9.0, 2.0], [-9.0, -1.0], [9.0, -3.0]])
    history = pool(x, torch.tensor([[0, 1, 2], [1, 2, 3]])).history
    assert history.cluster.tolist() == [0, 0, 1, 1]


def test_reset_parameters_of_the_pool_draws_the_map_anew() -> None:
    pool = ThresholdMergePool(0.5, score=ProjectedCosine(4))
    before = pool.score.map.weight.detach().clone()
    pool.reset_parameters()
    assert not torch.equal(pool.score.map.weight, before)
    assert pool.score.map.weight.abs().max() <= 1 / math.sqrt(4)
