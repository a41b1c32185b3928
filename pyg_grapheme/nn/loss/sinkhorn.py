"""Entropic optimal transport between the nodes of many pairs of graphs at once."""

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor
from torch.autograd import Function

from pyg_grapheme.nn.loss import fixed_point, log_scaling, scaling
from pyg_grapheme.options import expect_one_of

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
    found to have converged, after 1, 2, 4 and then every 4 iterations, is left as it is. Where
    exp(-cost / temperature) can be worked with, an iteration is two matrix-vector products, in
    float64 if float32 has not the range; elsewhere it is done in the log domain. Each pair is by
    itself: it does not matter which others are in its batch.

    Source: Cuturi 2013, "Sinkhorn distances: lightspeed computation of optimal transport".

    Args:
        cost: [B, n1, n2], finite. What stands in padding does not matter.
        rows: [B, n1], masses; 0 in padding. Or bool, True where there is a node: mass 1.
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

    Differentiation: in the cost, as ``gradient`` says; "unrolled" without annealing any number of
        times. Masses are constants.
    Cost: O(B n1 n2) an iteration. For the backward pass, "unrolled" keeps O(B (n1 + n2)) numbers of
        each iteration, "implicit" none and solves a system of min(n1, n2) numbers a pair.
    """
    expect_one_of("gradient", gradient, get_args(GradientName))
    rows, columns = _masses(rows, columns, cost.dtype)
    settings = _Settings(temperature, max_iterations, tolerance, gradient, annealing)
    domain = _one_domain(cost, settings)
    if domain is not None:
        parts = _transport(cost, rows, columns, domain, settings)
    else:
        outside = ~((rows > 0)[:, :, None] & (columns > 0)[:, None, :])
        cost = cost.masked_fill(outside, 0.0)
        parts = _sorted_out(cost, rows, columns, settings)
    plan, error, iterations = parts
    return SinkhornOutput(plan, error < tolerance, error, iterations)


# How far |cost| / temperature may go with exp, its inverse, and products of two staying in range.
_REACH = {torch.float: 40.0, torch.double: 340.0}
_Domain: TypeAlias = torch.dtype | Literal["log"]


class _Settings(NamedTuple):
    temperature: float
    max_iterations: int
    tolerance: float
    gradient: GradientName
    annealing: bool


def _masses(rows: Tensor, columns: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    rows = rows.to(dtype)
    if columns.dtype == torch.bool:
        share = rows.sum(1) / columns.sum(1).clamp(min=1)
        columns = torch.where(columns, share[:, None], 0.0)
    # A side without nodes has nothing to send or to take.
    alive = (rows.sum(1) > 0) & (columns.sum(1) > 0)
    return rows * alive[:, None], columns.to(dtype) * alive[:, None]


def _wide(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype in _REACH else torch.float


def _one_domain(cost: Tensor, settings: _Settings) -> _Domain | None:
    """The domain that does for all pairs, found quickly, padding and all; or None."""
    wide = _wide(cost.dtype)
    if cost.numel() == 0:
        return wide
    if settings.annealing:
        return None
    reach = max(abs(float(bound)) for bound in torch.aminmax(cost.detach()))
    return wide if reach <= _REACH[wide] * settings.temperature else None


def _sorted_out(
    cost: Tensor, rows: Tensor, columns: Tensor, settings: _Settings
) -> tuple[Tensor, Tensor, Tensor]:
    """Transport each pair in the first domain that has the range for it."""
    reach = cost.detach().abs().amax((1, 2)).double() / settings.temperature
    left = torch.ones_like(reach, dtype=torch.bool)
    places, parts = [], []
    domains: list[_Domain] = [_wide(cost.dtype), torch.double, "log"]
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
) -> tuple[Tensor, Tensor, Tensor]:
    dtype = _wide(cost.dtype) if domain == "log" else domain
    plan, error, iterations = _Transport.apply(  # type: ignore[no-untyped-call]
        cost.to(dtype), rows.to(dtype), columns.to(dtype), domain == "log", settings
    )
    return plan.to(cost.dtype), error.to(cost.dtype), iterations


class _Transport(Function):
    """cost, rows, columns -> plan, error, iterations."""

    @staticmethod
    def forward(
        ctx: Any, cost: Tensor, rows: Tensor, columns: Tensor, in_logs: bool, settings: _Settings
    ) -> tuple[Tensor, Tensor, Tensor]:
        keep = settings.gradient == "unrolled" and ctx.needs_input_grad[0]
        steps, tolerance = settings.max_iterations, settings.tolerance
        solution: scaling.Solution
        if in_logs:
            schedule = _schedule(cost, rows, columns, settings)
            solution = log_scaling.solve(cost, rows, columns, schedule, tolerance, keep)
        else:
            heat = settings.temperature
            solution = scaling.solve(cost, rows, columns, heat, steps, tolerance, keep)
        plan, error, iterations, ctx.trace = solution
        ctx.settings = settings
        ctx.save_for_backward(cost, rows, columns, plan, iterations)
        ctx.mark_non_differentiable(error, iterations)
        return plan, error, iterations

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        cost, rows, columns, plan, iterations = ctx.saved_tensors
        settings, trace = ctx.settings, ctx.trace
        if settings.gradient == "implicit":
            heat = settings.temperature
            found = fixed_point.pull_back(plan, rows, columns, gradient, heat)
        elif torch.is_grad_enabled():
            # The adjoint is to be differentiated itself: autograd unrolls the iterations again.
            schedule = _schedule(cost, rows, columns, settings)
            again = log_scaling.unroll(cost, rows, columns, schedule, iterations)
            (found,) = torch.autograd.grad(again, cost, gradient, create_graph=True)
        elif isinstance(trace, log_scaling.LogTrace):
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
