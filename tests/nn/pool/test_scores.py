"""Scores of pairs as the pool returns them, and the calls that a score module sees."""

from collections.abc import Callable
from itertools import combinations
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.typing import MergeName

SIZES = [5, 0, 1, 4]
MERGES = get_args(MergeName)


class Recorder(nn.Module):
    """Sigmoid of a bilinear form that is not symmetric; counts the pairs of every call."""

    def __init__(self, symmetric: bool | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 9, dtype=torch.double).view(3, 3))
        self.calls: list[int] = []
        if symmetric is not None:
            self.symmetric = symmetric

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        self.calls.append(len(x_i))
        return torch.sigmoid(((x_i @ self.weight) * x_j).sum(1))


@pytest.mark.parametrize("candidates", ["edges", "all"])
def test_scores_are_those_of_all_candidates(candidates: str, draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, SIZES)
    pairs, score = ThresholdMergePool(candidates=candidates, block_size=3).double().scores(*graphs)
    owner = graphs.batch.tolist()
    if candidates == "all":
        expected = [(i, j) for i, j in combinations(range(10), 2) if owner[i] == owner[j]]
    else:
        expected = sorted({tuple(sorted(e)) for e in graphs.edge_index.T.tolist() if e[0] != e[1]})
    assert [tuple(pair) for pair in pairs.T.tolist()] == expected
    torch.testing.assert_close(score, cosine_similarity(graphs.x[pairs[0]], graphs.x[pairs[1]]))


def test_gradcheck_of_scores(draw_graphs: Callable) -> None:
    x, *rest = draw_graphs(0, SIZES)
    pool = ThresholdMergePool(candidates="all").double()
    assert torch.autograd.gradcheck(lambda x: pool.scores(x, *rest).score, x.requires_grad_())


def test_a_module_is_averaged_over_both_directions_unless_it_is_symmetric(
    draw_graphs: Callable,
) -> None:
    graphs = draw_graphs(0, SIZES)
    both, one = (ThresholdMergePool(score=Recorder(s)) for s in (None, True))
    pairs, mean = both.double().scores(*graphs)
    ends = graphs.x[pairs[0]], graphs.x[pairs[1]]
    forth, back = Recorder()(*ends, None), Recorder()(*ends[::-1], None)
    torch.testing.assert_close(mean, (forth + back) / 2)
    torch.testing.assert_close(one.double().scores(*graphs).score, forth)
    assert both.score.calls == [2 * pairs.size(1)]
    assert one.score.calls == [pairs.size(1)]


@pytest.mark.parametrize("merge", MERGES)
def test_in_training_a_module_sees_all_pairs_in_one_call(merge: str, draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, SIZES)
    for method in ("forward", "cuts", "dendrogram"):
        pool = ThresholdMergePool(
            score=Recorder(), candidates="all", merge=merge, block_size=3, estimator="gate"
        ).double()
        getattr(pool, method)(*graphs)
        assert pool.score.calls == [2 * (10 + 6)], method
        pool.eval().score.calls.clear()
        getattr(pool, method)(*graphs)
        # Average and complete linkage need all scores at once.
        assert (len(pool.score.calls) > 1) == (merge in ("components", "matching")), method


def test_a_part_of_a_module_in_training_counts_as_training(draw_graphs: Callable) -> None:
    """Monte Carlo dropout: one draw for all pairs."""
    pool = ThresholdMergePool(score=Recorder(), candidates="all", block_size=3).double().eval()
    pool.score.dropout = nn.Dropout().train()
    pool.cuts(*draw_graphs(0, SIZES))
    assert pool.score.calls == [2 * (10 + 6)]


@pytest.mark.parametrize("merge", MERGES)
def test_dropout_and_batch_norm_in_a_module_have_the_gradient_of_their_one_call(
    merge: str, draw_graphs: Callable
) -> None:
    """Blocks would draw dropout again, and normalise each block by itself."""

    class Noisy(nn.Module):
        symmetric = True

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.3))

        def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
            return torch.sigmoid(self.layers(x_i * x_j).sum(1))

    torch.manual_seed(0)
    graphs = draw_graphs(1, SIZES)
    pool = ThresholdMergePool(score=Noisy(), candidates="all", merge=merge, block_size=3).double()

    def expected_size(weight: Tensor) -> Tensor:
        torch.manual_seed(1)
        named = {"pool.score.layers.0.weight": weight}
        cuts = torch.func.functional_call(Cutter(pool), named, ())
        size = torch.bincount(cuts.output.batch, minlength=cuts.num_cuts).double()
        return cuts.expectation(size.square())

    class Cutter(nn.Module):
        def __init__(self, pool: nn.Module) -> None:
            super().__init__()
            self.pool = pool

        def forward(self) -> object:
            return self.pool.cuts(*graphs)

    weight = pool.score.layers[0].weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(expected_size, weight)


def test_a_dendrogram_of_an_acyclic_pool_is_refused(draw_graphs: Callable) -> None:
    pool = ThresholdMergePool(acyclic=True).double()
    with pytest.raises(ValueError, match=r"'acyclic' to be False for a dendrogram \(got True\)"):
        pool.dendrogram(torch.ones(2, 3).double(), torch.tensor([[0], [1]]))
