"""Scores of a module: both orders, reduced attributes, gradients, errors."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool.candidates.edge_pairs import edge_pairs
from pyg_grapheme.nn.pool.scores.pair_attributes import pair_attributes
from pyg_grapheme.nn.pool.scores.scorer import module_score
from pyg_grapheme.testing import assert_gradients_match


class Learned(nn.Module):
    """A score that is not symmetric and depends on the attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        attributes = x_i[:, :2] * 0 if edge_attr is None else edge_attr
        return torch.sigmoid(self.linear(torch.cat([x_i, x_j, attributes], 1)).squeeze(-1))


class Returns(nn.Module):
    """A score that returns a fixed tensor."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return self.value


@pytest.mark.parametrize(
    ("reduce", "combine"),
    [
        ("sum", torch.sum),
        ("mean", torch.mean),
        ("min", torch.amin),
        ("max", torch.amax),
        ("mul", torch.prod),
    ],
)
def test_attributes_of_parallel_edges_are_reduced_first(
    reduce: str, combine: Callable[[Tensor, int], Tensor]
) -> None:
    edge_index = torch.tensor([[2, 0, 1, 1, 0, 3], [1, 1, 0, 1, 1, 2]])
    pairs = edge_pairs(edge_index, 4)
    assert pairs.T.tolist() == [[0, 1], [1, 2], [2, 3]]
    for shape in ((6,), (6, 2)):
        edge_attr = torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 0.5
        groups = ([1, 2, 4], [0], [5])
        expected = torch.stack([combine(edge_attr[edges], 0) for edges in groups])
        found = pair_attributes(edge_index, edge_attr, pairs, 4, reduce)
        torch.testing.assert_close(found, expected)


def test_forward_compares_with_the_module_s_scores(draw_graphs) -> None:
    graphs = draw_graphs(0, [8, 5])
    pool = ThresholdMergePool(0.5, score=Learned(), estimator="none").double()
    selection = pool.select(*graphs)
    pairs = selection.candidates.pairs
    attributes = pair_attributes(graphs.edge_index, graphs.edge_attr, pairs, 13, "sum")
    expected = module_score(pool.score, graphs.x, pairs, attributes) > 0.5
    assert torch.equal(selection.candidates.score > 0.5, expected)
    assert 0 < expected.sum() < expected.numel()


@pytest.mark.parametrize("merge", ["components", "matching"])
def test_central_differences_in_the_parameters_of_the_score(
    merge: str, draw_graphs, fourth_powers
) -> None:
    graphs = draw_graphs(1, [6, 4])
    pool = ThresholdMergePool(0.5, score=Learned(), merge=merge, temperature=0.2).double()
    names = [name for name, _ in pool.named_parameters()]
    assert names == ["raw_threshold", "score.linear.weight", "score.linear.bias"]

    def expectation(*_: Tensor) -> Tensor:
        cuts = pool.cuts(*graphs)
        return cuts.expectation(fourth_powers(cuts))

    assert_gradients_match(expectation, pool.parameters())


def test_forward_with_an_estimator_trains_the_score(draw_graphs) -> None:
    graphs = draw_graphs(0, [8])
    for estimator in ("gate", "straight_through"):
        pool = ThresholdMergePool(0.5, score=Learned(), estimator=estimator).double()
        pool(*graphs).x.pow(2).sum().backward()
        assert pool.score.linear.weight.grad.abs().sum() > 0, estimator


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(1), r"'score' to return one number per row of x_i, \(4,\) \(got \(1,\)"),
        (torch.ones(4, 1), r"\(got \(4, 1\)\)"),
        (0.5, r"\(got float\)"),
        (torch.tensor([0.0, 1.0, 1.0, torch.nan]), r"'score' to return finite numbers"),
    ],
)
def test_scores_that_do_not_fit_are_refused(value: Tensor, message: str) -> None:
    pool = ThresholdMergePool(score=Returns(value))
    with pytest.raises(ValueError, match=message):
        pool(torch.ones(3, 2), torch.tensor([[0, 1], [1, 2]]))


def test_a_score_of_other_arguments_is_told_what_it_is_called_with() -> None:
    class OfTwo(nn.Module):
        def forward(self, x_i: Tensor, x_j: Tensor) -> Tensor:
            return (x_i * x_j).sum(1)

    with pytest.raises(TypeError, match="takes 3 positional arguments but 4 were given") as caught:
        ThresholdMergePool(score=OfTwo())(torch.ones(2, 3), torch.tensor([[0], [1]]))
    assert "called as score(x_i, x_j, edge_attr)" in caught.value.__notes__[0]


def test_no_pair_to_score() -> None:
    pool = ThresholdMergePool(score=Learned())
    out = pool(torch.ones(3, 3), torch.empty(2, 0).long(), torch.empty(0, 2))
    assert out.history.num_clusters == 3
