"""The learned score of pairs, and its cross-entropy, written out."""

import math

import pytest
import torch

from pyg_grapheme.nn import PairScorer, ThresholdMergePool, pair_bce

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)).double()
EDGE_INDEX = torch.tensor([[0, 1, 1, 2, 3, 4, 2], [1, 0, 2, 0, 4, 5, 2]])
EDGE_ATTR = torch.arange(7).double()
Y = torch.tensor([0, 0, 1, 1, -1, -1])


def test_the_score_does_not_depend_on_the_order_of_a_pair() -> None:
    scorer = PairScorer(3, edge_dim=1).double()
    pool = ThresholdMergePool(score=scorer, logits=True)
    pairs, found = pool.scores(X, EDGE_INDEX, EDGE_ATTR)
    x_i, x_j = X[pairs]
    attributes = torch.tensor([1.0, 3.0, 2.0, 4.0, 5.0]).double()  # both directions are summed
    assert pairs.T.tolist() == [[0, 1], [0, 2], [1, 2], [3, 4], [4, 5]]
    for first, second in ((x_i, x_j), (x_j, x_i)):
        torch.testing.assert_close(scorer(first, second, attributes[:, None]), found)
    assert bool((scorer(x_i, x_j, attributes + 1) != found).all())
    inputs = torch.cat([(x_i - x_j).abs(), x_i * x_j, attributes[:, None]], 1)
    linear = scorer.mlp.lins
    assert [layer.out_channels for layer in linear] == [64, 1]
    by_hand = linear[1](linear[0](inputs).relu()).squeeze(1)
    torch.testing.assert_close(found, by_hand)
    before = linear[0].weight.clone()
    pool.reset_parameters()
    assert bool((linear[0].weight != before).any())


def test_cross_entropy_of_labelled_pairs() -> None:
    scorer = PairScorer(3).double()
    pool = ThresholdMergePool(score=scorer, logits=True)
    given = torch.tensor([1.0, 3.0, -1.0, 0.5, 2.0, -2.0, 9.0]).double().requires_grad_()
    mean = {(0, 1): 2.0, (0, 2): 0.5, (1, 2): -1.0, (3, 4): 2.0, (4, 5): -2.0}
    logits = dict(zip(mean, pool.scores(X, EDGE_INDEX).score.detach(), strict=True))
    for scores, edge_score in ((logits, None), (mean, given)):
        losses = {
            pair: math.log1p(math.exp(-float(score) if pair == (0, 1) else float(score)))
            for pair, score in scores.items()
        }
        ignored = sum(losses[pair] for pair in ((0, 1), (0, 2), (1, 2))) / 3
        for unlabelled, expected in (("ignore", ignored), ("other", sum(losses.values()) / 5)):
            options = {"y": Y, "edge_score": edge_score, "unlabelled": unlabelled}
            found = pair_bce(pool, X, EDGE_INDEX, **options)
            assert float(found.detach()) == pytest.approx(expected)
    found.backward()
    assert given.grad is not None
    assert (given.grad != 0).tolist() == [True] * 6 + [False]  # the last is a loop
    none = pair_bce(pool, X, EDGE_INDEX, y=torch.full((6,), -1))
    none.backward()
    assert float(none.detach()) == 0
    assert all(p.grad is not None for p in scorer.parameters())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'pool' to have logits=True \(got False\)"):
        pair_bce(ThresholdMergePool(), X, EDGE_INDEX, y=Y)
    pool = ThresholdMergePool(score=PairScorer(3, edge_dim=2).double(), logits=True)
    for edge_attr, got in ((None, "None"), (EDGE_ATTR, r"\(5, 1\)")):
        with pytest.raises(
            ValueError, match=rf"'edge_attr' to be edge_dim=2 numbers .* \(got {got}\)"
        ):
            pool.scores(X, EDGE_INDEX, edge_attr)
    edge_score = torch.zeros(7).double()
    with pytest.raises(ValueError, match=r"'y' to be integers \[6\], one per node"):
        pair_bce(pool, X, EDGE_INDEX, y=Y[1:], edge_score=edge_score)
    with pytest.raises(ValueError, match=r"'edge_score' to be a float tensor \[7\]"):
        pair_bce(pool, X, EDGE_INDEX, y=Y, edge_score=edge_score[1:])
    with pytest.raises(ValueError, match=r"'x' to have in_channels=4 features .* \(6, 3\)\)"):
        PairScorer(4)(X.float(), X.float())
    with pytest.raises(ValueError, match=r"'x' to have in_channels=3 features .* \(6,\)\)"):
        PairScorer(3)(X[:, 0].float(), X[:, 0].float())
    with pytest.raises(ValueError, match=r"'pool' to be a ThresholdMergePool \(got PairScorer\)"):
        pair_bce(PairScorer(3), X, EDGE_INDEX, y=Y)
    with pytest.raises(ValueError, match=r"'hidden_channels' to be at least 1 \(got 0\)"):
        PairScorer(3, hidden_channels=0)
