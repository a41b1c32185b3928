"""The loss of sampled thresholds: its value, its baselines, its errors."""

import copy
import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.filtration import ReinforceLoss


class History(NamedTuple):
    """History of a layer that sampled a threshold for each of five graphs."""

    log_prob: Tensor


HISTORY = History(torch.randn(5))


def test_the_reinforce_loss_has_the_value_of_the_loss() -> None:
    loss = torch.randn(5)
    assert torch.equal(ReinforceLoss()(loss, HISTORY), loss)


def test_the_running_mean_follows_training_only() -> None:
    criterion = ReinforceLoss(momentum=0.25)
    criterion(torch.full((5,), 4.0), HISTORY)
    assert criterion.mean.item() == 4
    criterion(torch.full((5,), 8.0), HISTORY)
    assert criterion.mean.item() == 5
    criterion.eval()(torch.full((5,), 8.0), HISTORY)
    assert criterion.mean.item() == 5
    assert copy.deepcopy(criterion).state_dict()["mean"].item() == 5


def test_the_baseline_is_that_of_before_the_loss() -> None:
    """A loss in its own baseline would be compared with itself: a bias."""
    history = History(log_prob=torch.zeros(5).requires_grad_())
    criterion = ReinforceLoss(momentum=0.5)
    criterion(torch.full((5,), 4.0), history)
    loss = torch.tensor([1.0, 2.0, 3.0, 7.0, 9.0])
    criterion(loss, history).sum().backward()
    assert history.log_prob.grad.tolist() == [-3, -2, -1, 3, 5]


def test_a_loss_that_is_not_finite_is_handed_on_and_leaves_nothing_behind() -> None:
    history = History(log_prob=torch.zeros(5).requires_grad_())
    criterion = ReinforceLoss()
    source = torch.tensor([4, 4, 4, -2, -2])
    for of_source in (None, source):
        found = criterion(torch.tensor([math.inf, 2.0, 4.0, math.nan, 6.0]), history, of_source)
        assert found.isfinite().tolist() == [False, True, True, False, True]
    assert criterion.mean.item() == 4
    (found,) = torch.autograd.grad(
        criterion(torch.tensor([1.0, 2.0, 4.0, 8.0, math.inf]), history, source)[:4].sum(),
        history.log_prob,
    )
    # The fourth is alone with the fifth, which is no loss: the running mean stands in.
    assert found[:4].tolist() == [-2, -0.5, 2.5, 4]


def test_bad_losses_and_options_are_refused() -> None:
    loss = torch.zeros(5, dtype=torch.double)
    with pytest.raises(ValueError, match=r"'loss' to be one .* 5 graphs \(got shape \(3,\)"):
        ReinforceLoss()(torch.zeros(3), HISTORY)
    with pytest.raises(ValueError, match=r"'loss' to be one floating-point .*torch.int64\)"):
        ReinforceLoss()(loss.long(), HISTORY)
    for source in (torch.tensor([0]), torch.zeros(5), torch.ones(5, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"'source' to be one integer for each of 5 graphs"):
            ReinforceLoss()(loss, HISTORY, source)
    with pytest.raises(TypeError, match=r"'source' to be a Tensor \(got list\)"):
        ReinforceLoss()(loss, HISTORY, [0, 0, 1, 1, 1])
    with pytest.raises(ValueError, match=r"'momentum' to be in \(0, 1\] \(got 0\)"):
        ReinforceLoss(momentum=0)
