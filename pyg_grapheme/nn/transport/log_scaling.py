"""Sinkhorn's iterations in the log domain, at a temperature that may fall, and their adjoint.

Slower than :mod:`~pyg_grapheme.nn.transport.scaling`, and safe for any cost and temperature.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.transport.progress import Progress, Solution


class Schedule(NamedTuple):
    """Temperature and step size of each iteration.

    Attributes:
        temperatures: One of [B, 1, 1] for each iteration.
        relaxation: Step size of the potentials: 1 is Sinkhorn's step; a larger one converges faster
            at the end (Lehmann et al. 2022, "A note on overrelaxation in the Sinkhorn algorithm").
    """

    temperatures: list[Tensor]
    relaxation: float


class LogTrace(NamedTuple):
    """Values of K iterations that the backward pass needs.

    Attributes:
        cost: [B, n1, n2].
        a: [B, n1], row marginal.
        f: K + 1 potentials of the rows, [B, n1] each, before and after every iteration.
        g: K potentials of the columns, [B, n2] each.
        active: K masks [B, 1] of the pairs that iterate.
        schedule: Schedule of the iterations.
    """

    cost: Tensor
    a: Tensor
    f: list[Tensor]
    g: list[Tensor]
    active: list[Tensor]
    schedule: Schedule


def constant_schedule(cost: Tensor, temperature: float, max_iterations: int) -> Schedule:
    """Return the schedule with one temperature throughout."""
    return Schedule([cost.new_full((cost.size(0), 1, 1), temperature)] * max_iterations, 1.0)


def annealed_schedule(
    cost: Tensor, a: Tensor, b: Tensor, temperature: float, max_iterations: int
) -> Schedule:
    """Return temperatures that fall geometrically during three quarters of the iterations.

    They begin at the range of the costs of each pair. The mass spreads while the temperature is
    high, and then moves little: epsilon scaling (Schmitzer 2019, "Stabilized sparse scaling
    algorithms for entropy regularized transport problems"). Overrelaxation lets the potentials
    follow the falling temperature; 1.8 and three quarters are the best of those tried on random
    costs.
    """
    outside = padding(a, b)
    highest = cost.masked_fill(outside, -torch.inf).amax((1, 2), keepdim=True)
    lowest = cost.masked_fill(outside, torch.inf).amin((1, 2), keepdim=True)
    start = (highest - lowest).clamp(min=temperature)
    falling = max(3 * max_iterations // 4, 1)
    progress = [min((step + 1) / falling, 1.0) for step in range(max_iterations)]
    # Written as a multiple of the last temperature, which is therefore reached exactly.
    return Schedule([temperature * (start / temperature) ** (1 - part) for part in progress], 1.8)


def solve(
    cost: Tensor, a: Tensor, b: Tensor, schedule: Schedule, tolerance: float, keep: bool
) -> Solution:
    """Update the potentials of the columns, then of the rows, until the columns' error is small.

    Args:
        cost: [B, n1, n2], finite.
        a: [B, n1], row marginal; 0 in padding.
        b: [B, n2], column marginal with the same sum; 0 in padding.
        schedule: Temperatures and relaxation of the iterations.
        tolerance: L1 error.
        keep: Whether to keep a trace for :func:`vjp`.
    """
    outside = padding(a, b)
    cost = cost.masked_fill(outside, torch.inf)
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    progress = Progress(a, b, len(schedule.temperatures), tolerance)
    trace = LogTrace(cost, a, [f], [], [], schedule)
    last = schedule.temperatures[-1]
    plan = torch.zeros_like(cost)
    for step, temperature in enumerate(schedule.temperatures, start=1):
        mask = progress.active[:, None]
        f, g = _step(cost, a, b, f, g, temperature, mask, schedule.relaxation)
        if keep:
            trace.f.append(f)
            trace.g.append(g)
            trace.active.append(mask)
        if progress.is_check_step(step):
            plan = a[:, :, None] * _softmax((g[:, None, :] - cost) / last, 2, outside)
            # The error at the last temperature: once it is small, no more cooling is needed.
            if progress.update(step, (plan.sum(1) - b).abs().sum(1)) == 0:
                break
    return Solution(plan, progress.error, progress.iterations, trace if keep else None)


def vjp(trace: LogTrace, plan: Tensor, gradient: Tensor) -> Tensor:
    """Turn the gradient of the plan into that of the cost, through all iterations.

    Each iteration is differentiated at its potentials, the only values that are kept of it.
    """
    cost, a = trace.cost, trace.a[:, :, None]
    temperatures, relaxation = trace.schedule
    outside = torch.isposinf(cost)
    weighted = (gradient * plan).masked_fill(outside, 0.0)
    row_mean = weighted.sum(2, keepdim=True) / torch.where(a > 0, a, 1.0)
    grad_cost = (plan * row_mean - weighted) / temperatures[-1]
    grad_f, grad_g = torch.zeros_like(trace.a), -grad_cost.sum(1)
    for step in reversed(range(len(trace.g))):
        temperature = temperatures[step]
        size = relaxation * trace.active[step]
        through_f = _softmax((trace.g[step][:, None, :] - cost) / temperature, 2, outside)
        through_f *= (size * grad_f)[:, :, None]
        grad_f = grad_f - size * grad_f
        grad_g = grad_g - through_f.sum(1)
        through_g = _softmax((trace.f[step][:, :, None] - cost) / temperature, 1, outside)
        through_g *= (size * grad_g)[:, None, :]
        grad_g = grad_g - size * grad_g
        grad_f = grad_f - through_g.sum(2)
        grad_cost += through_f
        grad_cost += through_g
    return grad_cost


def unroll(cost: Tensor, a: Tensor, b: Tensor, schedule: Schedule, iterations: Tensor) -> Tensor:
    """Return the plan after ``iterations`` [B] per pair, in operations that autograd records."""
    # An infinite cost in padding would have a NaN gradient.
    cost = cost.masked_fill(padding(a, b), torch.finfo(cost.dtype).max ** 0.5)
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    for step, temperature in enumerate(schedule.temperatures[: int(iterations.max())]):
        mask = (step < iterations)[:, None]
        f, g = _step(cost, a, b, f, g, temperature, mask, schedule.relaxation)
    return a[:, :, None] * torch.softmax((g[:, None, :] - cost) / schedule.temperatures[-1], 2)


def padding(a: Tensor, b: Tensor) -> Tensor:
    """Return a mask [B, n1, n2], True where no mass can go."""
    return ~((a > 0)[:, :, None] & (b > 0)[:, None, :])


def _step(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    temperature: Tensor,
    mask: Tensor,
    relaxation: float,
) -> tuple[Tensor, Tensor]:
    """Return the potentials after one more iteration of the pairs in the mask."""
    new_g = _balance(f[:, :, None], cost, b, temperature, 1)
    new_g = new_g if relaxation == 1 else torch.lerp(g, new_g, relaxation)
    g = torch.where(mask, new_g, g)
    new_f = _balance(g[:, None, :], cost, a, temperature, 2)
    new_f = new_f if relaxation == 1 else torch.lerp(f, new_f, relaxation)
    return torch.where(mask, new_f, f), g


def _balance(
    potential: Tensor, cost: Tensor, marginal: Tensor, temperature: Tensor, dim: int
) -> Tensor:
    """Return the potential of the other side that meets its marginal; 0 in padding."""
    inside = marginal > 0
    log_sum = torch.logsumexp((potential - cost) / temperature, dim)
    log_marginal = torch.where(inside, marginal, 1.0).log()
    return torch.where(inside, temperature[:, :, 0] * (log_marginal - log_sum), 0.0)


def _softmax(values: Tensor, dim: int, outside: Tensor) -> Tensor:
    """Return the softmax; 0 in padding."""
    return torch.softmax(values, dim).masked_fill_(outside, 0.0)
