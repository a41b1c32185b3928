"""assert_gradients_match accepts right gradients and refuses wrong ones."""

from typing import Any

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.testing import assert_gradients_match

X = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double)


class _Wrong(torch.autograd.Function):
    """x -> x^2, with an error in one coordinate of the gradient."""

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


def test_a_wrong_gradient_is_named_with_its_coordinate() -> None:
    for error in (1e-4, -1e-4, 1.0, float("nan")):
        with pytest.raises(AssertionError, match=r"input 1 at \(1, 0\): .* relative error"):
            assert_gradients_match(lambda y, x, e=error: _Wrong.apply(x, e) + y.sum(), [X[:1], X])


def test_a_missing_gradient_counts_as_zero() -> None:
    with pytest.raises(AssertionError, match="0 by autograd"):
        assert_gradients_match(lambda x, y: x.sum() + y.detach().sum(), [X, X.clone()])
    assert_gradients_match(lambda x, y: x.sum(), [X, X.clone()])


def test_a_value_without_a_graph_has_the_gradient_zero() -> None:
    with pytest.raises(AssertionError, match=r"input 0 at .*: 0 by autograd"):
        assert_gradients_match(lambda x: x.detach() * 2, [X])
    assert_gradients_match(lambda x: torch.ones(2), [X])


def slope(x: Tensor) -> Tensor:
    """Return the gradient of the sum of sines, itself differentiable."""
    return torch.autograd.grad(x.sin().sum(), x, create_graph=True)[0]


def test_second_derivatives_are_compared() -> None:
    assert_gradients_match(slope, [X])
    with pytest.raises(AssertionError, match="0 by autograd"):
        assert_gradients_match(lambda x: slope(x).detach(), [X])


def test_gradients_are_compared_inside_no_grad() -> None:
    with torch.no_grad():
        assert_gradients_match(torch.sin, [X])
        assert_gradients_match(slope, [X])


def test_parameters_may_be_inputs_and_are_restored() -> None:
    layer = torch.nn.Linear(2, 2).double()
    before = [p.detach().clone() for p in layer.parameters()]
    assert_gradients_match(lambda *_: layer(X).sin(), list(layer.parameters()))
    for parameter, kept in zip(layer.parameters(), before, strict=True):
        assert torch.equal(parameter, kept)


def test_parameters_may_come_from_a_generator() -> None:
    layer = torch.nn.Linear(2, 2).double()
    assert_gradients_match(lambda *_: layer(X).sin(), layer.parameters())
    with pytest.raises(AssertionError, match=r"input 0 .* 0 by autograd"):
        assert_gradients_match(lambda *_: layer(X).detach(), layer.parameters())


def test_a_computed_tensor_is_refused() -> None:
    """A copy of it would change, not the parameter that the function reads."""
    pool = ThresholdMergePool(threshold=0.5).double()
    with pytest.raises(ValueError, match=r"\(got a computed one for input 1: detach it, or pass"):
        assert_gradients_match(lambda x, _: x * pool.threshold.square(), [X, pool.threshold])
    assert_gradients_match(lambda x, y: x * y.square(), [X, pool.threshold.detach()])
    assert_gradients_match(lambda x, _: x * pool.threshold.square(), [X, pool.raw_threshold])


def test_a_frozen_parameter_is_refused() -> None:
    layer = torch.nn.Linear(2, 2).double()
    layer.bias.requires_grad_(False)
    with pytest.raises(ValueError, match=r"\(got a frozen one for input 1\)"):
        assert_gradients_match(lambda *_: layer(X), layer.parameters())


def test_an_input_is_restored_if_the_function_raises() -> None:
    leaf = X.clone().requires_grad_()

    def fn(x: Tensor) -> Tensor:
        if not torch.equal(x, X):
            raise KeyError("moved")
        return x.sin()

    with pytest.raises(KeyError, match="moved"):
        assert_gradients_match(fn, [leaf])
    assert torch.equal(leaf, X)


def test_a_single_tensor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'inputs' to be a sequence of tensors \(got one, \[3, 2"):
        assert_gradients_match(torch.sin, X)
    with pytest.raises(ValueError, match=r"'inputs' to be tensors \(got float for input 1\)"):
        assert_gradients_match(torch.add, [X, 1.0])


def test_the_function_must_return_a_tensor() -> None:
    with pytest.raises(ValueError, match=r"'fn' to return a tensor \(got tuple\)"):
        assert_gradients_match(lambda x: (x, x), [X])


def test_inputs_may_be_empty_and_must_be_float64() -> None:
    assert_gradients_match(lambda x: x.sum().view(1), [X[:0]])
    with pytest.raises(ValueError, match=r"'inputs' to be float64 \(got torch.float32 for input 1"):
        assert_gradients_match(lambda x, y: x + y, [X, X.float()])
