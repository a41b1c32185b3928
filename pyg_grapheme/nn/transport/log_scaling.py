"""Sinkhorn's iterations in the log domain, at a temperature that may fall, and their adjoint.

Slower than :mod:`~pyg_grapheme.nn.transport.scaling`, and safe for any cost and temperature.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.transport.scaling import Solution, is_looked_at


class Schedule(NamedTuple):
    """How the iterations go.

    Attributes:
        temperatures: One of [B, 1, 1] for each iteration.
        relaxation: How far a potential moves towards what would balance it; beyond 1 speeds the
            last steps up (Lehmann et al. 2022, "A note on overrelaxation in the Sinkhorn
            algorithm").
    """

    temperatures: list[Tensor]
    relaxation: float


class LogTrace(NamedTuple):
    """What the way back needs of K iterations.

    Attributes:
        cost: [B, n1, n2].
        rows: [B, n1], masses.
        of_rows: K + 1 potentials of the rows, [B, n1] each, before and after every iteration.
        of_columns: K potentials of the columns, [B, n2] each.
        active: K of [B, 1], which pairs the iteration was for.
        schedule: Of the iterations.
    """

    cost: Tensor
    rows: Tensor
    of_rows: list[Tensor]
    of_columns: list[Tensor]
    active: list[Tensor]
    schedule: Schedule


def steady(cost: Tensor, temperature: float, max_iterations: int) -> Schedule:
    """One temperature throughout."""
    now = cost.new_full((cost.size(0), 1, 1), temperature)
    return Schedule([now] * max_iterations, 1.0)


def annealed(
    cost: Tensor, rows: Tensor, columns: Tensor, temperature: float, max_iterations: int
) -> Schedule:
    """Temperatures that fall to the last one by one factor, in three quarters of the iterations.

    They begin at the range of the costs of each pair. While it is hot the mass spreads, and as it
    cools it stays nearly in place: epsilon scaling (Schmitzer 2019, "Stabilized sparse scaling
    algorithms for entropy regularized transport problems"). Relaxation keeps the potentials up with
    the cooling; 1.8 and three quarters are the best of those tried on random costs.
    """
    outside = padding(rows, columns)
    highest = cost.masked_fill(outside, -torch.inf).amax((1, 2), keepdim=True)
    lowest = cost.masked_fill(outside, torch.inf).amin((1, 2), keepdim=True)
    start = (highest - lowest).clamp(min=temperature)
    falling = max(3 * max_iterations // 4, 1)
    share = [min((step + 1) / falling, 1.0) for step in range(max_iterations)]
    # As a factor of the last one, which is then exactly that.
    return Schedule([temperature * (start / temperature) ** (1 - part) for part in share], 1.8)


def solve(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    schedule: Schedule,
    tolerance: float,
    keep: bool,
) -> Solution:
    """Move the columns' potentials, then the rows', until the columns' error is small enough.

    Args:
        cost: [B, n1, n2], finite.
        rows: [B, n1], masses; 0 in padding.
        columns: [B, n2], masses that add up to the same; 0 in padding.
        schedule: A pair can be done once it is at the last temperature.
        tolerance: L1 error.
        keep: Whether to keep a trace for :func:`pull_back`.
    """
    outside = padding(rows, columns)
    cost = cost.masked_fill(outside, torch.inf)
    of_rows, of_columns = torch.zeros_like(rows), torch.zeros_like(columns)
    active = (rows.sum(1) > 0) & (columns.sum(1) > 0)
    error = cost.new_zeros(cost.size(0))
    iterations = torch.zeros_like(active, dtype=torch.long)
    trace = LogTrace(cost, rows, [of_rows], [], [], schedule)
    last = schedule.temperatures[-1]
    plan = torch.zeros_like(cost)
    looked = 0
    for step, now in enumerate(schedule.temperatures, start=1):
        mask = active[:, None]
        of_rows, of_columns = _step(
            cost, rows, columns, of_rows, of_columns, now, mask, schedule.relaxation
        )
        if keep:
            trace.of_rows.append(of_rows)
            trace.of_columns.append(of_columns)
            trace.active.append(mask)
        if not (is_looked_at(step) or step == len(schedule.temperatures)):
            continue
        iterations += (step - looked) * active
        looked = step
        at_last = (now == last).view(-1)
        if bool(at_last.any()):
            plan = rows[:, :, None] * _softmax((of_columns[:, None, :] - cost) / last, 2, outside)
            error = torch.where(active, (plan.sum(1) - columns).abs().sum(1), error)
            active = active & ~(at_last & (error < tolerance))
            if not bool(active.any()):
                break
    return Solution(plan, error, iterations, trace if keep else None)


def pull_back(trace: LogTrace, plan: Tensor, gradient: Tensor) -> Tensor:
    """From the gradient of the plan to that of the cost, through all iterations.

    Each iteration is differentiated at its potentials, which are all that is kept of it.
    """
    cost, rows = trace.cost, trace.rows[:, :, None]
    (temperatures, relaxation) = trace.schedule
    outside = torch.isposinf(cost)
    weighted = (gradient * plan).masked_fill(outside, 0.0)
    share = weighted.sum(2, keepdim=True) / torch.where(rows > 0, rows, 1.0)
    of_cost = (plan * share - weighted) / temperatures[-1]
    of_columns, of_rows = -of_cost.sum(1), torch.zeros_like(trace.rows)
    for step in reversed(range(len(trace.of_columns))):
        now, mask = temperatures[step], trace.active[step]
        moved = relaxation * mask
        leaving = _softmax((trace.of_columns[step][:, None, :] - cost) / now, 2, outside)
        leaving *= (moved * of_rows)[:, :, None]
        of_rows = of_rows - moved * of_rows
        of_columns = of_columns - leaving.sum(1)
        arriving = _softmax((trace.of_rows[step][:, :, None] - cost) / now, 1, outside)
        arriving *= (moved * of_columns)[:, None, :]
        of_columns = of_columns - moved * of_columns
        of_rows = of_rows - arriving.sum(2)
        of_cost += leaving
        of_cost += arriving
    return of_cost


def unroll(
    cost: Tensor, rows: Tensor, columns: Tensor, schedule: Schedule, iterations: Tensor
) -> Tensor:
    """The plan after so many iterations [B] of each pair, as a graph of autograd's own."""
    # Finite in padding, for what is infinite has no gradient.
    cost = cost.masked_fill(padding(rows, columns), torch.finfo(cost.dtype).max ** 0.5)
    of_rows, of_columns = torch.zeros_like(rows), torch.zeros_like(columns)
    for step, now in enumerate(schedule.temperatures[: int(iterations.max())]):
        mask = (step < iterations)[:, None]
        of_rows, of_columns = _step(
            cost, rows, columns, of_rows, of_columns, now, mask, schedule.relaxation
        )
    towards = (of_columns[:, None, :] - cost) / schedule.temperatures[-1]
    return rows[:, :, None] * torch.softmax(towards, 2)


def _step(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    of_rows: Tensor,
    of_columns: Tensor,
    temperature: Tensor,
    mask: Tensor,
    relaxation: float,
) -> tuple[Tensor, Tensor]:
    """Potentials of rows and columns after one more iteration, where the mask says so."""
    arriving = _balance(of_rows[:, :, None], cost, columns, temperature, 1)
    arriving = arriving if relaxation == 1 else torch.lerp(of_columns, arriving, relaxation)
    of_columns = torch.where(mask, arriving, of_columns)
    leaving = _balance(of_columns[:, None, :], cost, rows, temperature, 2)
    leaving = leaving if relaxation == 1 else torch.lerp(of_rows, leaving, relaxation)
    return torch.where(mask, leaving, of_rows), of_columns


def padding(rows: Tensor, columns: Tensor) -> Tensor:
    """Where no mass can go, [B, n1, n2]."""
    return ~((rows > 0)[:, :, None] & (columns > 0)[:, None, :])


def _balance(
    potential: Tensor, cost: Tensor, mass: Tensor, temperature: Tensor, dim: int
) -> Tensor:
    """Potential of the other side that lets its masses be met; 0 in padding."""
    there = mass > 0
    arriving = torch.logsumexp((potential - cost) / temperature, dim)
    log_mass = torch.where(there, mass, 1.0).log()
    return torch.where(there, temperature[:, :, 0] * (log_mass - arriving), 0.0)


def _softmax(values: Tensor, dim: int, outside: Tensor) -> Tensor:
    """Softmax; 0 in padding."""
    return torch.softmax(values, dim).masked_fill_(outside, 0.0)
