"""Entropic optimal transport between the nodes of many pairs of graphs at once."""

import math
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor
from torch.autograd import Function
from torch.utils._pytree import tree_flatten, tree_unflatten

from pyg_grapheme.nn.transport import implicit_differentiation, log_scaling, scaling
from pyg_grapheme.options import expect_between, expect_count, expect_flag, expect_one_of

GradientName: TypeAlias = Literal["unrolled", "implicit"]


class SinkhornOutput(NamedTuple):
    """Transport plans, and how far they are from meeting their marginals.

    Attributes:
        plan: [B, n1, n2]; rows hold their masses, columns theirs as far as converged; 0 in padding.
        converged: [B], whether the marginal error is below the tolerance.
        marginal_error: [B], L1 error of the column sums.
        iterations: [B], iterations done before the error was below the tolerance.
    """

    plan: Tensor
    converged: Tensor
    marginal_error: Tensor
    iterations: Tensor


def sinkhorn(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    *,
    temperature: float = 0.1,
    max_iterations: int = 20,
    tolerance: float = 1e-6,
    gradient: GradientName = "unrolled",
    annealing: bool = False,
) -> SinkhornOutput:
    """Transport the rows of each pair to its columns, at entropy ``temperature``.

    Each iteration scales the columns, then the rows, which therefore hold exactly. A pair that is
    found to have converged, after 1, 4 and then every 8 iterations, is left as it is. Where
    exp(-cost / temperature) can be worked with, an iteration is two matrix-vector products, in
    float64 if float32 has not the range; elsewhere it is done in the log domain, in float64. Each
    pair is by itself: it does not matter which others are in its batch.

    Source: Cuturi 2013, "Sinkhorn distances: lightspeed computation of optimal transport".

    Args:
        cost: [B, n1, n2], finite. What stands in padding does not matter.
        rows: [B, n1], masses >= 0; 0 in padding. Or bool, True where there is a node: mass 1.
        columns: [B, n2], masses that add up to the same. Or bool: the rows' mass in equal shares.
        temperature: Weight of the entropy, > 0.
        max_iterations: When to stop at the latest.
        tolerance: L1 error of the column sums at which a pair is done. In float32, rounding alone
            can keep the error of some pairs above 1e-6.
        gradient: "unrolled", through the iterations, exact for the plan that is returned; or
            "implicit", that of the plan they tend to, which costs the same however many they are.
        annealing: Begin at a temperature of the range of the costs, and fall to ``temperature`` in
            three quarters of the iterations, in the log domain: for temperatures below a hundredth
            of that range, with 100 iterations and more.

    Raises:
        ValueError: if the shapes do not fit, or masses are negative or do not add up to the same.

    Differentiation: in the cost, as ``gradient`` says; "unrolled" without annealing any number of
        times. Masses are constants.
    Cost: O(B n1 n2) an iteration. For the backward pass, "unrolled" keeps O(B (n1 + n2)) numbers of
        each iteration, "implicit" none and solves a system of min(n1, n2) numbers a pair.
    """
    settings = _Settings(
        expect_between("temperature", temperature, 0, math.inf, "positive"),
        expect_count("max_iterations", max_iterations),
        expect_between("tolerance", tolerance, 0, math.inf, "positive"),
        gradient,
        annealing,
    )
    expect_one_of("gradient", gradient, get_args(GradientName))
    expect_flag("annealing", annealing)
    _check(cost, rows, columns)
    wide = torch.promote_types(cost.dtype, torch.float)
    rows, columns = _masses(rows, columns, wide)
    # Under autocast the products of the iterations would be taken in half precision.
    with torch.autocast(cost.device.type, enabled=False):
        plan, error, iterations = _solve(cost.to(wide), rows, columns, settings)
    return SinkhornOutput(plan.to(cost.dtype), error < tolerance, error, iterations)


# How far the range of cost / temperature may go with exp, its inverse, and products of two staying
# in the range of the numbers.
_REACH = {torch.float: 40.0, torch.double: 340.0}
_Domain: TypeAlias = torch.dtype | Literal["log"]
_Solved: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Plan, error, iterations."""


class _Settings(NamedTuple):
    temperature: float
    max_iterations: int
    tolerance: float
    gradient: GradientName
    annealing: bool


def _check(cost: Tensor, rows: Tensor, columns: Tensor) -> None:
    if cost.dim() != 3 or not cost.is_floating_point():
        raise ValueError(
            "Expected 'cost' to be a float tensor [B, n1, n2] "
            f"(got shape {tuple(cost.shape)}, {cost.dtype})"
        )
    for name, mass, size in (("rows", rows, cost.size(1)), ("columns", columns, cost.size(2))):
        if mass.shape != (cost.size(0), size):
            raise ValueError(
                f"Expected '{name}' to have shape {(cost.size(0), size)}, as 'cost' has "
                f"{tuple(cost.shape)} (got {tuple(mass.shape)})"
            )


def _masses(rows: Tensor, columns: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Masses of both sides; none where the other side has none."""
    in_shares = columns.dtype == torch.bool
    rows, columns = rows.detach().to(dtype), columns.detach().to(dtype)
    of_rows, of_columns = rows.sum(1), columns.sum(1)
    alive = (of_rows > 0) & (of_columns > 0)
    if in_shares:
        columns = columns * (of_rows / of_columns.clamp(min=1))[:, None]
    else:
        alike = (of_rows - of_columns).abs() <= 1e-4 * of_rows.abs()
        negative = (rows < 0).any(1) | (columns < 0).any(1)
        # Written so that NaN is refused.
        bad = ~(alike | (of_rows == 0) | (of_columns == 0)) | negative
        if bool(bad.any()):
            b = int(bad.nonzero()[0])
            raise ValueError(
                "Expected 'rows' and 'columns' to be masses that add up to the same in each pair "
                f"(got {float(of_rows[b]):g} and {float(of_columns[b]):g} in pair {b})"
            )
    return rows * alive[:, None], columns * alive[:, None]


def _solve(cost: Tensor, rows: Tensor, columns: Tensor, settings: _Settings) -> _Solved:
    if cost.numel() == 0:
        sizes = cost.new_zeros(cost.size(0))
        return cost * 1, sizes, torch.zeros_like(sizes, dtype=torch.long)
    limit = _REACH[cost.dtype] * settings.temperature
    low, high = map(float, torch.aminmax(cost.detach()))
    if low >= 0 and high <= limit and not settings.annealing:
        return _transport(cost, rows, columns, cost.dtype, settings)
    return _sorted_out(cost, rows, columns, settings)


def _sorted_out(cost: Tensor, rows: Tensor, columns: Tensor, settings: _Settings) -> _Solved:
    """Transport each pair in the first domain that has the range for it."""
    outside = log_scaling.padding(rows, columns)
    of_costs = cost.detach().double()
    low = of_costs.masked_fill(outside, torch.inf).amin((1, 2))
    high = of_costs.masked_fill(outside, -torch.inf).amax((1, 2))
    limit = _REACH[cost.dtype] * settings.temperature
    # What all costs of a pair have in common changes no plan, but takes digits and range.
    common = torch.where((low >= 0) & (high <= limit) | ~low.isfinite(), 0.0, low)
    cost = (cost.double() - common[:, None, None]).masked_fill(outside, 0.0).to(cost.dtype)
    reach = (high - common) / settings.temperature
    left = torch.ones_like(reach, dtype=torch.bool)
    places, parts = [], []
    domains: list[_Domain] = [cost.dtype, torch.double, "log"]
    for domain in domains:
        mine = left
        if domain != "log":
            mine = left & (reach <= _REACH[domain]) & (not settings.annealing)
        left = left & ~mine
        index = mine.nonzero().view(-1)
        if index.numel():
            places.append(index)
            parts.append(_transport(cost[index], rows[index], columns[index], domain, settings))
    if len(parts) == 1:
        return parts[0]
    order = torch.cat(places).argsort()
    plan, error, iterations = (torch.cat(part)[order] for part in zip(*parts, strict=True))
    return plan, error, iterations


def _transport(
    cost: Tensor, rows: Tensor, columns: Tensor, domain: _Domain, settings: _Settings
) -> _Solved:
    dtype = torch.double if domain == "log" else domain
    plan, error, iterations = _Transport.apply(  # type: ignore[no-untyped-call]
        cost.to(dtype), rows.to(dtype), columns.to(dtype), domain == "log", settings
    )
    return plan.to(cost.dtype), error.to(cost.dtype), iterations


class _Transport(Function):
    """cost, rows, columns -> plan, error, iterations."""

    @staticmethod
    def forward(
        ctx: Any, cost: Tensor, rows: Tensor, columns: Tensor, in_logs: bool, settings: _Settings
    ) -> _Solved:
        keep = settings.gradient == "unrolled" and ctx.needs_input_grad[0]
        steps, tolerance = settings.max_iterations, settings.tolerance
        solution: scaling.Solution
        if in_logs:
            schedule = _schedule(cost, rows, columns, settings)
            solution = log_scaling.solve(cost, rows, columns, schedule, tolerance, keep)
        else:
            heat = settings.temperature
            solution = scaling.solve(cost, rows, columns, heat, steps, tolerance, keep)
        plan, error, iterations, trace = solution
        ctx.settings = settings
        # What is saved this way is let go of after the backward pass.
        kept, ctx.layout = tree_flatten(trace)
        ctx.numbers = [None if isinstance(part, Tensor) else part for part in kept]
        tensors = (part if isinstance(part, Tensor) else None for part in kept)
        ctx.save_for_backward(cost, rows, columns, plan, iterations, *tensors)
        ctx.mark_non_differentiable(error, iterations)
        return plan, error, iterations

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        cost, rows, columns, plan, iterations, *kept = ctx.saved_tensors
        settings = ctx.settings
        with torch.autocast(cost.device.type, enabled=False):
            if settings.gradient == "implicit":
                found = implicit_differentiation.pull_back(plan, gradient, settings.temperature)
            elif torch.is_grad_enabled():
                # The adjoint is to be differentiated itself: autograd unrolls the iterations again.
                schedule = _schedule(cost, rows, columns, settings)
                again = log_scaling.unroll(cost, rows, columns, schedule, iterations)
                (found,) = torch.autograd.grad(again, cost, gradient, create_graph=True)
            else:
                parts = [n if k is None else k for k, n in zip(kept, ctx.numbers, strict=True)]
                trace = tree_unflatten(parts, ctx.layout)
                if isinstance(trace, log_scaling.LogTrace):
                    found = log_scaling.pull_back(trace, plan, gradient)
                else:
                    found = scaling.pull_back(trace, plan, gradient, settings.temperature)
        return found, None, None, None, None


def _schedule(
    cost: Tensor, rows: Tensor, columns: Tensor, settings: _Settings
) -> log_scaling.Schedule:
    heat, steps = settings.temperature, settings.max_iterations
    if settings.annealing:
        return log_scaling.annealed(cost.detach(), rows, columns, heat, steps)
    return log_scaling.steady(cost, heat, steps)
