"""Entropic optimal transport between the nodes of many pairs of graphs at once."""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor
from torch.autograd import Function
from torch.utils._pytree import tree_flatten, tree_unflatten

from pyg_grapheme.nn.transport import implicit_differentiation, log_scaling, scaling
from pyg_grapheme.nn.transport.progress import Solution
from pyg_grapheme.options import expect_between, expect_count, expect_flag, expect_one_of

GradientName: TypeAlias = Literal["unrolled", "implicit"]


class SinkhornOutput(NamedTuple):
    """Transport plans and their convergence.

    Attributes:
        plan: [B, n1, n2]. The row sums are exact, the column sums as far as it has converged; 0 in
            padding.
        converged: [B], whether the marginal error is below the tolerance.
        marginal_error: [B], L1 error of the column sums.
        iterations: [B], iterations until the error was below the tolerance.
    """

    plan: Tensor
    converged: Tensor
    marginal_error: Tensor
    iterations: Tensor


@dataclass(frozen=True)
class Sinkhorn:
    """A solver of entropic optimal transport: :func:`sinkhorn` with fixed options."""

    temperature: float = 0.1
    max_iterations: int = 20
    tolerance: float = 1e-6
    gradient: GradientName = "unrolled"
    annealing: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        expect_between("temperature", self.temperature, 0, math.inf, "positive")
        expect_count("max_iterations", self.max_iterations)
        expect_between("tolerance", self.tolerance, 0, math.inf, "positive")
        expect_one_of("gradient", self.gradient, get_args(GradientName))
        expect_flag("annealing", self.annealing)

    def __call__(self, cost: Tensor, a: Tensor, b: Tensor) -> SinkhornOutput:
        """Transport the rows of each pair to its columns; see :func:`sinkhorn`."""
        _check(cost, a, b)
        wide = torch.promote_types(cost.dtype, torch.float)
        a, b = _marginals(a, b, wide)
        # Under autocast the products of the iterations would be computed in half precision.
        with torch.autocast(cost.device.type, enabled=False):
            plan, error, iterations = _solve(cost.to(wide), a, b, self)
        return SinkhornOutput(plan.to(cost.dtype), error < self.tolerance, error, iterations)


def sinkhorn(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    *,
    temperature: float = 0.1,
    max_iterations: int = 20,
    tolerance: float = 1e-6,
    gradient: GradientName = "unrolled",
    annealing: bool = False,
) -> SinkhornOutput:
    """Transport the rows of each pair to its columns, at entropy ``temperature``.

    Each iteration scales the columns, then the rows, whose sums are therefore exact. The error is
    checked after 1, 4 and then every 8 iterations; a pair that has converged does not change any
    more. Where exp(-cost / temperature) is in the range of the numbers, an iteration is two
    matrix-vector products, in float64 if the range of float32 is too small. Elsewhere it runs in
    the log domain, in float64. The result of a pair does not depend on the others in its batch.

    Source: Cuturi 2013, "Sinkhorn distances: lightspeed computation of optimal transport".

    Args:
        cost: [B, n1, n2], finite. Values in padding are ignored.
        a: [B, n1], row marginal >= 0; 0 in padding. Or bool, True where there is a node of mass 1.
        b: [B, n2], column marginal with the same sum. Or bool: equal shares of the sum of ``a``.
        temperature: Weight of the entropy, > 0.
        max_iterations: Upper bound on the iterations.
        tolerance: L1 error of the column sums at which a pair is done. In float32, rounding alone
            can keep the error of some pairs above 1e-6.
        gradient: "unrolled", through the iterations, exact for the plan that is returned; or
            "implicit", that of the fixed point, at a cost that does not depend on the iterations.
        annealing: Start at a temperature of the range of the costs, and fall to ``temperature`` in
            three quarters of the iterations, in the log domain. For temperatures below a hundredth
            of that range, with 100 iterations and more.

    Raises:
        ValueError: if an option is invalid, the shapes do not fit, or the marginals are negative or
            have different sums.

    Differentiation: in the cost, as ``gradient`` says; "unrolled" without annealing any number of
        times. The marginals are constants.
    Cost: O(B n1 n2) per iteration. For the backward pass, "unrolled" keeps O(B (n1 + n2)) numbers
        per iteration; "implicit" keeps none and solves a system of min(n1, n2) unknowns per pair.
    """
    return Sinkhorn(temperature, max_iterations, tolerance, gradient, annealing)(cost, a, b)


# Largest range of cost / temperature for which exp, its inverse, and products of two of them are
# finite and not zero.
_MAX_LOG_RANGE = {torch.float: 40.0, torch.double: 340.0}
_Domain: TypeAlias = torch.dtype | Literal["log"]
_Solved: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Plan, error, iterations."""


def _check(cost: Tensor, a: Tensor, b: Tensor) -> None:
    if cost.dim() != 3 or not cost.is_floating_point():
        raise ValueError(
            "Expected 'cost' to be a float tensor [B, n1, n2] "
            f"(got shape {tuple(cost.shape)}, {cost.dtype})"
        )
    for name, marginal, size in (("a", a, cost.size(1)), ("b", b, cost.size(2))):
        if marginal.shape != (cost.size(0), size):
            raise ValueError(
                f"Expected '{name}' to have shape {(cost.size(0), size)}, as 'cost' has "
                f"{tuple(cost.shape)} (got {tuple(marginal.shape)})"
            )


def _marginals(a: Tensor, b: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return both marginals; zero where the other side has no mass."""
    in_shares = b.dtype == torch.bool
    a, b = a.detach().to(dtype), b.detach().to(dtype)
    mass_a, mass_b = a.sum(1), b.sum(1)
    alive = (mass_a > 0) & (mass_b > 0)
    if in_shares:
        b = b * (mass_a / mass_b.clamp(min=1))[:, None]
    else:
        equal = (mass_a - mass_b).abs() <= 1e-4 * mass_a.abs()
        negative = (a < 0).any(1) | (b < 0).any(1)
        # Written so that NaN is refused.
        bad = ~(equal | (mass_a == 0) | (mass_b == 0)) | negative
        if bool(bad.any()):
            pair = int(bad.nonzero()[0])
            raise ValueError(
                "Expected 'a' and 'b' to be at least 0 with equal sums in each pair "
                f"(got sums {float(mass_a[pair]):g} and {float(mass_b[pair]):g} in pair {pair})"
            )
    return a * alive[:, None], b * alive[:, None]


def _solve(cost: Tensor, a: Tensor, b: Tensor, options: Sinkhorn) -> _Solved:
    if cost.numel() == 0:
        zeros = cost.new_zeros(cost.size(0))
        return cost * 1, zeros, torch.zeros_like(zeros, dtype=torch.long)
    limit = _MAX_LOG_RANGE[cost.dtype] * options.temperature
    low, high = map(float, torch.aminmax(cost.detach()))
    if low >= 0 and high <= limit and not options.annealing:
        return _transport(cost, a, b, cost.dtype, options)
    return _solve_by_range(cost, a, b, options)


def _solve_by_range(cost: Tensor, a: Tensor, b: Tensor, options: Sinkhorn) -> _Solved:
    """Transport each pair in the first domain whose range is large enough."""
    outside = log_scaling.padding(a, b)
    exact = cost.detach().double()
    low = exact.masked_fill(outside, torch.inf).amin((1, 2))
    high = exact.masked_fill(outside, -torch.inf).amax((1, 2))
    limit = _MAX_LOG_RANGE[cost.dtype] * options.temperature
    # An offset of all costs of a pair changes no plan, but costs precision and range.
    offset = torch.where((low >= 0) & (high <= limit) | ~low.isfinite(), 0.0, low)
    cost = (cost.double() - offset[:, None, None]).masked_fill(outside, 0.0).to(cost.dtype)
    log_range = (high - offset) / options.temperature
    left = torch.ones_like(log_range, dtype=torch.bool)
    indices, parts = [], []
    domains: list[_Domain] = [cost.dtype, torch.double, "log"]
    for domain in domains:
        fits = left
        if domain != "log":
            fits = left & (log_range <= _MAX_LOG_RANGE[domain]) & (not options.annealing)
        left = left & ~fits
        index = fits.nonzero().view(-1)
        if index.numel():
            indices.append(index)
            parts.append(_transport(cost[index], a[index], b[index], domain, options))
    if len(parts) == 1:
        return parts[0]
    order = torch.cat(indices).argsort()
    plan, error, iterations = (torch.cat(part)[order] for part in zip(*parts, strict=True))
    return plan, error, iterations


def _transport(cost: Tensor, a: Tensor, b: Tensor, domain: _Domain, options: Sinkhorn) -> _Solved:
    dtype = torch.double if domain == "log" else domain
    plan, error, iterations = _Transport.apply(  # type: ignore[no-untyped-call]
        cost.to(dtype), a.to(dtype), b.to(dtype), domain == "log", options
    )
    return plan.to(cost.dtype), error.to(cost.dtype), iterations


class _Transport(Function):
    """cost, a, b -> plan, error, iterations."""

    @staticmethod
    def forward(
        ctx: Any, cost: Tensor, a: Tensor, b: Tensor, in_logs: bool, options: Sinkhorn
    ) -> _Solved:
        keep = options.gradient == "unrolled" and ctx.needs_input_grad[0]
        tolerance = options.tolerance
        solution: Solution
        if in_logs:
            schedule = _schedule(cost, a, b, options)
            solution = log_scaling.solve(cost, a, b, schedule, tolerance, keep)
        else:
            temperature, steps = options.temperature, options.max_iterations
            solution = scaling.solve(cost, a, b, temperature, steps, tolerance, keep)
        plan, error, iterations, trace = solution
        ctx.options = options
        # Tensors that are saved this way are freed after the backward pass.
        kept, ctx.layout = tree_flatten(trace)
        ctx.constants = [None if isinstance(part, Tensor) else part for part in kept]
        tensors = (part if isinstance(part, Tensor) else None for part in kept)
        ctx.save_for_backward(cost, a, b, plan, iterations, *tensors)
        ctx.mark_non_differentiable(error, iterations)
        return plan, error, iterations

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        cost, a, b, plan, iterations, *kept = ctx.saved_tensors
        options = ctx.options
        with torch.autocast(cost.device.type, enabled=False):
            if options.gradient == "implicit":
                found = implicit_differentiation.vjp(plan, gradient, options.temperature)
            elif torch.is_grad_enabled():
                # For second derivatives, autograd unrolls the iterations again.
                schedule = _schedule(cost, a, b, options)
                again = log_scaling.unroll(cost, a, b, schedule, iterations)
                (found,) = torch.autograd.grad(again, cost, gradient, create_graph=True)
            else:
                parts = [n if k is None else k for k, n in zip(kept, ctx.constants, strict=True)]
                trace = tree_unflatten(parts, ctx.layout)
                if isinstance(trace, log_scaling.LogTrace):
                    found = log_scaling.vjp(trace, plan, gradient)
                else:
                    found = scaling.vjp(trace, plan, gradient, options.temperature)
        return found, None, None, None, None


def _schedule(cost: Tensor, a: Tensor, b: Tensor, options: Sinkhorn) -> log_scaling.Schedule:
    temperature, steps = options.temperature, options.max_iterations
    if options.annealing:
        return log_scaling.annealed_schedule(cost.detach(), a, b, temperature, steps)
    return log_scaling.constant_schedule(cost, temperature, steps)
