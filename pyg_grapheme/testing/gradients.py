"""Gradients compared with central differences."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import torch
from torch import Tensor, nn


def assert_gradients_match(
    fn: Callable[..., Tensor],
    inputs: Iterable[Tensor],
    *,
    tolerance: float = 1e-6,
    step: float = 1e-6,
    floor: float = 1e-3,
) -> None:
    """Compare the gradient of a function with central differences, coordinate by coordinate.

    The output is reduced by fixed random weights, so that errors do not cancel in a sum. With the
    gradient a by autograd and n by differences, ``max |a - n| / max(|n|_inf, floor)`` of each input
    has to be below the tolerance. An output that does not require a gradient has the gradient zero.
    :func:`torch.autograd.gradcheck` compares each entry of the Jacobian with a tolerance of 1e-3 of
    its value, and does not say which coordinate is wrong.

    Args:
        fn: Function of the inputs that returns a tensor. It may ignore the inputs and use
            parameters of a module: pass these as inputs. It may itself compute gradients.
        inputs: float64 tensors. Those that require a gradient are changed in place and restored;
            others are copied, and ``fn`` has to use its arguments to see the copies.
        tolerance: Largest relative error.
        step: Half the distance of the two values of a difference.
        floor: Lower bound of the numerical gradient in the relative error.

    Raises:
        AssertionError: naming the input, the worst coordinate, both numbers and the error.
        ValueError: if ``inputs`` is a single tensor, or holds something that is not a float64
            tensor, or a frozen parameter or computed tensor, such as ``pool.threshold`` (only its
            copy would change, not the one that ``fn`` uses); or if ``fn`` does not return a tensor.

    Cost: two calls of the function per coordinate.
    """
    leaves = _leaves(inputs)
    # A function that computes gradients itself needs its graph, even inside no_grad.
    with torch.enable_grad():
        value = _expect_tensor(fn(*leaves))
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(value.shape, generator=generator, dtype=torch.double).to(value.device)
        found = gradients_or_zeros((value * weight).sum(), leaves)
        for index, (leaf, gradient) in enumerate(zip(leaves, found, strict=True)):
            numeric = _central_differences(
                lambda: float((fn(*leaves) * weight).sum().detach()), leaf, step
            )
            _assert_near(gradient, numeric, index, tolerance, floor)


def gradients_or_zeros(
    value: Tensor, leaves: Sequence[Tensor], *, retain_graph: bool = False
) -> tuple[Tensor, ...]:
    """Return the gradients of a scalar, zeros in a leaf that it does not depend on."""
    if not value.requires_grad:
        return tuple(map(torch.zeros_like, leaves))
    return torch.autograd.grad(
        value,
        leaves,
        retain_graph=retain_graph,
        allow_unused=True,
        materialize_grads=True,
    )


def _leaves(inputs: Iterable[Tensor]) -> list[Tensor]:
    """Return the inputs as leaves that require a gradient: themselves, or copies."""
    if isinstance(inputs, Tensor):
        raise ValueError(
            f"Expected 'inputs' to be a sequence of tensors (got one, {list(inputs.shape)})"
        )
    leaves = []
    for index, tensor in enumerate(inputs):
        _check_input(index, tensor)
        is_leaf = tensor.is_leaf and tensor.requires_grad
        leaves.append(tensor if is_leaf else tensor.detach().clone().requires_grad_())
    return leaves


def _check_input(index: int, tensor: object) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(
            f"Expected 'inputs' to be tensors (got {type(tensor).__name__} for input {index})"
        )
    if tensor.dtype != torch.double:
        raise ValueError(f"Expected 'inputs' to be float64 (got {tensor.dtype} for input {index})")
    if isinstance(tensor, nn.Parameter) and not tensor.requires_grad:
        raise ValueError(
            "Expected 'inputs' to hold only parameters that require a gradient "
            f"(got a frozen one for input {index})"
        )
    if not tensor.is_leaf:
        raise ValueError(
            "Expected 'inputs' to hold parameters, and tensors without a graph that 'fn' takes as "
            f"arguments (got a computed one for input {index}: detach it, or pass its parameter)"
        )


def _expect_tensor(value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError(f"Expected 'fn' to return a tensor (got {type(value).__name__})")
    return value


def _assert_near(
    gradient: Tensor, numeric: Tensor, index: int, tolerance: float, floor: float
) -> None:
    if numeric.numel() == 0:
        return
    analytic = gradient.reshape(-1)
    error = (analytic - numeric).abs() / numeric.abs().max().clamp(min=floor)
    # NaN compares as false, so it fails.
    if not bool((error < tolerance).all()):
        worst = int(error.argmax())
        coordinate = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), gradient.shape))
        raise AssertionError(
            f"Gradient of input {index} at {coordinate}: {float(analytic[worst]):.9g} by autograd, "
            f"{float(numeric[worst]):.9g} by central differences; relative error "
            f"{float(error[worst]):.3g}, expected below {tolerance:g}"
        )


def _central_differences(evaluate: Callable[[], float], leaf: Tensor, step: float) -> Tensor:
    """Return the numerical gradient in a leaf, flat; the leaf is changed in place and restored."""
    numbers = leaf.detach()
    numeric = []
    for coordinate in product(*map(range, leaf.shape)):
        value = numbers[coordinate].item()
        try:
            numbers[coordinate] = value + step
            above = evaluate()
            numbers[coordinate] = value - step
            below = evaluate()
        finally:
            numbers[coordinate] = value
        numeric.append((above - below) / (2 * step))
    return torch.tensor(numeric, dtype=leaf.dtype, device=leaf.device)
