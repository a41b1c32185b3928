"""Gradients held against numbers."""

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

    The output is read out by fixed random weights, so that no error cancels in a sum. With a the
    gradient by autograd, and n the numeric one of an input, max |a - n| / max(|n|_inf, floor) has
    to stay below the tolerance: stricter than ``gradcheck``, whose own is 1e-3 of each number. An
    output that autograd knows nothing of has the gradient zero.

    Args:
        fn: From the inputs to a tensor. It may ignore them and look at parameters: those can be
            inputs too, for each is moved in place, and put back whatever happens. It may take
            gradients itself.
        inputs: float64 leaves, or tensors that are copied to be some.
        tolerance: Largest relative error.
        step: Half the distance of the two values of a difference.
        floor: Numeric gradients below this count as this.

    Raises:
        AssertionError: naming the input, the worst coordinate, both numbers and the error.
        ValueError: if the inputs are one tensor, or one of them is no tensor, not float64, or a
            frozen parameter, of which a copy would be moved and not what ``fn`` looks at; or if
            ``fn`` does not return a tensor.

    Cost: two calls of the function a coordinate.
    """
    leaves = _leaves(inputs)
    # Even in no_grad: a function that takes gradients itself needs its graph each time.
    with torch.enable_grad():
        value = _expect_tensor(fn(*leaves))
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(value.shape, generator=generator, dtype=torch.double).to(value.device)
        found = gradients_or_zeros((value * weight).sum(), leaves)
        for number, (leaf, gradient) in enumerate(zip(leaves, found, strict=True)):
            numeric = _central_differences(
                lambda: float((fn(*leaves) * weight).sum().detach()), leaf, step
            )
            _assert_near(gradient, numeric, number, tolerance, floor)


def gradients_or_zeros(
    value: Tensor, leaves: Sequence[Tensor], *, retain_graph: bool = False
) -> tuple[Tensor, ...]:
    """Gradients of a number in each leaf: zeros where autograd knows of no way from it."""
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
    """The inputs as leaves that require a gradient: themselves, or copies."""
    if isinstance(inputs, Tensor):
        raise ValueError(
            f"Expected 'inputs' to be a sequence of tensors (got one, {list(inputs.shape)})"
        )
    leaves = []
    for number, tensor in enumerate(inputs):
        _check_input(number, tensor)
        itself = tensor.is_leaf and tensor.requires_grad
        leaves.append(tensor if itself else tensor.detach().clone().requires_grad_())
    return leaves


def _check_input(number: int, tensor: object) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(
            f"Expected 'inputs' to be tensors (got {type(tensor).__name__} for input {number})"
        )
    if tensor.dtype != torch.double:
        raise ValueError(f"Expected 'inputs' to be float64 (got {tensor.dtype} for input {number})")
    if isinstance(tensor, nn.Parameter) and not tensor.requires_grad:
        raise ValueError(
            "Expected 'inputs' to hold only parameters that require a gradient "
            f"(got a frozen one for input {number})"
        )


def _expect_tensor(value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError(f"Expected 'fn' to return a tensor (got {type(value).__name__})")
    return value


def _assert_near(
    gradient: Tensor, numeric: Tensor, number: int, tolerance: float, floor: float
) -> None:
    if numeric.numel() == 0:
        return
    analytic = gradient.reshape(-1)
    error = (analytic - numeric).abs() / numeric.abs().max().clamp(min=floor)
    # Written so that NaN fails.
    if not bool((error < tolerance).all()):
        worst = int(error.argmax())
        place = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), gradient.shape))
        raise AssertionError(
            f"Gradient of input {number} at {place}: {float(analytic[worst]):.9g} by autograd, "
            f"{float(numeric[worst]):.9g} by central differences; relative error "
            f"{float(error[worst]):.3g}, expected below {tolerance:g}"
        )


def _central_differences(read_out: Callable[[], float], leaf: Tensor, step: float) -> Tensor:
    """Numeric gradient of a leaf that is moved in place, flat."""
    numbers = leaf.detach()
    numeric = []
    for place in product(*map(range, leaf.shape)):
        value = numbers[place].item()
        try:
            numbers[place] = value + step
            above = read_out()
            numbers[place] = value - step
            below = read_out()
        finally:
            numbers[place] = value
        numeric.append((above - below) / (2 * step))
    return torch.tensor(numeric, dtype=leaf.dtype, device=leaf.device)
