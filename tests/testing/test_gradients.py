"""assert_gradients_match passes right gradients and catches wrong ones."""

from typing import Any

import pytest
import torch
from torch import Tensor

from pyg_grapheme.testing import assert_gradients_match

X = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double)


class _Wrong(torch.autograd.Function):
    """x -> x^2, whose gradient is off by a little, in one place."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, error: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.error = error
        return x.square()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        found = 2 * x * gradient
        found[1, 0] *= 1 + ctx.error
        return found, None


def test_a_right_gradient_passes() -> None:
    assert_gradients_match(lambda x, y: (x.sin() @ y).exp(), [X, X.T])
    assert_gradients_match(lambda x: _Wrong.apply(x, 0.0), [X])


@pytest.mark.parametrize("error", [1e-4, -1e-4, 1.0, float("nan")])
def test_a_wrong_gradient_is_named_with_its_place(error: float) -> None:
    with pytest.raises(AssertionError, match=r"input 1 at \(1, 0\): .* relative error"):
        assert_gradients_match(lambda y, x: _Wrong.apply(x, error) + y.sum(), [X[:1], X])


def test_a_gradient_that_is_not_there_counts_as_zero() -> None:
    with pytest.raises(AssertionError, match="0 by autograd"):
        assert_gradients_match(lambda x, y: x.sum() + y.detach().sum(), [X, X.clone()])
    assert_gradients_match(lambda x, y: x.sum(), [X, X.clone()])


def test_parameters_may_be_inputs_and_come_back_as_they_were() -> None:
    layer = torch.nn.Linear(2, 2).double()
    before = [p.detach().clone() for p in layer.parameters()]
    assert_gradients_match(lambda *_: layer(X).sin(), list(layer.parameters()))
    for parameter, kept in zip(layer.parameters(), before, strict=True):
        assert torch.equal(parameter, kept)


def test_inputs_may_be_empty_and_must_be_float64() -> None:
    assert_gradients_match(lambda x: x.sum().view(1), [X[:0]])
    with pytest.raises(ValueError, match=r"'inputs' to be float64 \(got torch.float32 for input 1"):
        assert_gradients_match(lambda x, y: x + y, [X, X.float()])
