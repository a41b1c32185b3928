"""Gradients held against numbers."""

from collections.abc import Callable, Sequence
from itertools import product

import torch
from torch import Tensor


def assert_gradients_match(
    fn: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    *,
    tolerance: float = 1e-6,
    step: float = 1e-6,
    floor: float = 1e-3,
) -> None:
    """Compare the gradient of a function with central differences, coordinate by coordinate.

    The output is read out by fixed random weights, so that no error cancels in a sum. With a the
    gradient by autograd, and n the numeric one of an input, max |a - n| / max(|n|_inf, floor) has
    to stay below the tolerance: stricter than ``gradcheck``, whose own is 1e-3 of each number.

    Args:
        fn: From the inputs to a tensor. It may ignore them and look at parameters: those can be
            inputs too, for each is moved in place.
        inputs: float64 leaves, or tensors that are copied to be some.
        tolerance: Largest relative error.
        step: Half the distance of the two values of a difference.
        floor: Numeric gradients below this count as this.

    Raises:
        AssertionError: naming the input, the worst coordinate, both numbers and the error.
        ValueError: if an input is not float64.

    Cost: two calls of the function a coordinate.
    """
    for number, tensor in enumerate(inputs):
        if tensor.dtype != torch.double:
            raise ValueError(
                f"Expected 'inputs' to be float64 (got {tensor.dtype} for input {number})"
            )
    leaves = [t if t.is_leaf and t.requires_grad else t.detach().clone() for t in inputs]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    value = fn(*leaves)
    weight = torch.randn(
        value.shape, generator=torch.Generator().manual_seed(0), dtype=torch.double
    ).to(value.device)
    found = torch.autograd.grad((value * weight).sum(), leaves, allow_unused=True)

    def read_out() -> float:
        with torch.no_grad():
            return float((fn(*leaves) * weight).sum())

    for number, (leaf, gradient) in enumerate(zip(leaves, found, strict=True)):
        numeric = _central_differences(read_out, leaf, step)
        analytic = torch.zeros_like(numeric) if gradient is None else gradient.reshape(-1)
        if numeric.numel() == 0:
            continue
        error = (analytic - numeric).abs() / numeric.abs().max().clamp(min=floor)
        worst = int(error.argmax())
        # Written so that NaN fails.
        if not bool((error < tolerance).all()):
            place = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), leaf.shape))
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
        numbers[place] = value + step
        above = read_out()
        numbers[place] = value - step
        below = read_out()
        numbers[place] = value
        numeric.append((above - below) / (2 * step))
    return torch.tensor(numeric, dtype=leaf.dtype, device=leaf.device)
