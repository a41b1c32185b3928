"""Sinkhorn's iterations in the log domain, at a temperature that may fall, and their adjoint.

Slower than :mod:`~pyg_grapheme.nn.loss.scaling`, and safe for any cost and temperature.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.loss.scaling import Solution


class LogTrace(NamedTuple):
    """What the way back needs of K iterations.

    Attributes:
        cost: [B, n1, n2].
        rows: [B, n1], masses.
        of_rows: K + 1 potentials of the rows, [B, n1] each, before and after every iteration.
        of_columns: K potentials of the columns, [B, n2] each.
        active: K of [B, 1], which pairs the iteration was for.
        temperatures: K of [B, 1, 1].
    """

    cost: Tensor
    rows: Tensor
    of_rows: list[Tensor]
    of_columns: list[Tensor]
    active: list[Tensor]
    temperatures: Sequence[Tensor]


def falling_temperatures(cost: Tensor, temperature: float, max_iterations: int) -> list[Tensor]:
    """Temperatures [B, 1, 1] that fall to the last one in half of the iterations.

    They begin at the range of the costs of each pair, and fall by one factor. A start that is hot
    spreads the mass, and every colder one finds it nearly in place: annealing, or epsilon scaling
    (Schmitzer 2019, "Stabilized sparse scaling algorithms for entropy regularized transport
    problems").
    """
    start = (cost.amax((1, 2)) - cost.amin((1, 2))).clamp(min=temperature)[:, None, None]
    falling = max(max_iterations // 2, 1)
    share = [min(step / falling, 1.0) for step in range(max_iterations)]
    return [start ** (1 - part) * temperature**part for part in share]


def solve(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    temperatures: Sequence[Tensor],
    tolerance: float,
    keep: bool,
) -> Solution:
    """Move the columns' potentials, then the rows', until the columns' error is small enough.

    Args:
        cost: [B, n1, n2], finite.
        rows: [B, n1], masses; 0 in padding.
        columns: [B, n2], masses that add up to the same; 0 in padding.
        temperatures: One of [B, 1, 1] an iteration; a pair can be done once it is at the last.
        tolerance: L1 error.
        keep: Whether to keep a trace for :func:`pull_back`.
    """
    cost = cost.masked_fill(_outside(rows, columns), torch.inf)
    of_rows, of_columns = torch.zeros_like(rows), torch.zeros_like(columns)
    active = (rows.sum(1) > 0) & (columns.sum(1) > 0)
    error = cost.new_zeros(cost.size(0))
    iterations = torch.zeros_like(active, dtype=torch.long)
    trace = LogTrace(cost, rows, [of_rows], [], [], temperatures)
    last = temperatures[-1][:, :, 0]
    for step, now in enumerate(temperatures):
        arrived = _balance(of_rows[:, :, None], cost, columns, now, 1)
        if step > 0:
            # A column holds exp((old - new) / T) times its mass.
            excess = torch.expm1((of_columns - arrived) / last)
            found = torch.where(columns > 0, columns * excess, 0.0).abs().sum(1)
            at_last = (temperatures[step - 1] == temperatures[-1]).view(-1)
            error = torch.where(active & at_last, found, error)
            active = active & ~(at_last & (error < tolerance))
            if not bool(active.any()):
                break
        mask = active[:, None]
        of_columns = torch.where(mask, arrived, of_columns)
        left = _balance(of_columns[:, None, :], cost, rows, now, 2)
        of_rows = torch.where(mask, left, of_rows)
        iterations += active
        if keep:
            trace.of_rows.append(of_rows)
            trace.of_columns.append(of_columns)
            trace.active.append(mask)
    towards = (of_columns[:, None, :] - cost) / temperatures[-1]
    plan = rows[:, :, None] * _softmax(towards, 2)
    # Those that have not converged are measured at what they ended as.
    error = torch.where(active, (plan.sum(1) - columns).abs().sum(1), error)
    return Solution(plan, error, iterations, trace if keep else None)


def pull_back(trace: LogTrace, plan: Tensor, gradient: Tensor) -> Tensor:
    """From the gradient of the plan to that of the cost, through all iterations.

    Each iteration is differentiated at its potentials, which are all that is kept of it.
    """
    cost, rows = trace.cost, trace.rows[:, :, None]
    weighted = gradient * plan
    share = weighted.sum(2, keepdim=True) / torch.where(rows > 0, rows, 1.0)
    of_cost = (plan * share - weighted) / trace.temperatures[-1]
    of_columns, of_rows = -of_cost.sum(1), torch.zeros_like(trace.rows)
    for step in reversed(range(len(trace.of_columns))):
        now, mask = trace.temperatures[step], trace.active[step]
        leaving = _softmax((trace.of_columns[step][:, None, :] - cost) / now, 2)
        leaving *= of_rows.masked_fill(~mask, 0)[:, :, None]
        of_columns = of_columns - leaving.sum(1)
        arriving = _softmax((trace.of_rows[step][:, :, None] - cost) / now, 1)
        arriving *= of_columns.masked_fill(~mask, 0)[:, None, :]
        of_rows = torch.where(mask, -arriving.sum(2), of_rows)
        of_columns = of_columns.masked_fill(mask, 0)
        of_cost += leaving
        of_cost += arriving
    return of_cost


def unroll(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    temperatures: Sequence[Tensor],
    iterations: Tensor,
) -> Tensor:
    """The plan after so many iterations [B] of each pair, as a graph of autograd's own."""
    # Finite in padding, for what is infinite has no gradient.
    cost = cost.masked_fill(_outside(rows, columns), torch.finfo(cost.dtype).max ** 0.5)
    of_rows, of_columns = torch.zeros_like(rows), torch.zeros_like(columns)
    for step, now in enumerate(temperatures[: int(iterations.max())]):
        mask = (step < iterations)[:, None]
        arrived = _balance(of_rows[:, :, None], cost, columns, now, 1)
        of_columns = torch.where(mask, arrived, of_columns)
        left = _balance(of_columns[:, None, :], cost, rows, now, 2)
        of_rows = torch.where(mask, left, of_rows)
    towards = (of_columns[:, None, :] - cost) / temperatures[-1]
    return rows[:, :, None] * torch.softmax(towards, 2)


def _outside(rows: Tensor, columns: Tensor) -> Tensor:
    return ~((rows > 0)[:, :, None] & (columns > 0)[:, None, :])


def _balance(
    potential: Tensor, cost: Tensor, mass: Tensor, temperature: Tensor, dim: int
) -> Tensor:
    """Potential of the other side that lets its masses be met; 0 in padding."""
    there = mass > 0
    arriving = torch.logsumexp((potential - cost) / temperature, dim)
    log_mass = torch.where(there, mass, 1.0).log()
    return torch.where(there, temperature[:, :, 0] * (log_mass - arriving), 0.0)


def _softmax(values: Tensor, dim: int) -> Tensor:
    """Softmax; 0 where a whole slice is padding."""
    return torch.softmax(values, dim).nan_to_num_(0.0)
