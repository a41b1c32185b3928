"""Sinkhorn's iterations as two matrix-vector products each, and their adjoint.

Fast, and safe where exp(-cost / temperature) is neither 0 nor infinite, which the caller sees to:
with costs from 0 to S temperature, the scalings stay within exp(2 S) of the masses.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Trace(NamedTuple):
    """What the way back needs of K iterations.

    Attributes:
        kernel: [B, n1, n2], exp(-cost / temperature).
        left: K + 1 scalings of the rows, [B, n1] each, before and after every iteration.
        right: K scalings of the columns, [B, n2] each.
        leaving: K of [B, n1], what the rows send before they are scaled: mass over left scaling.
        arriving: K of [B, n2], what the columns get before they are scaled.
        active: K of [B], which pairs the iteration was for; None for all of them.
    """

    kernel: Tensor
    left: list[Tensor]
    right: list[Tensor]
    leaving: list[Tensor]
    arriving: list[Tensor]
    active: list[Tensor | None]


class Solution(NamedTuple):
    """A plan [B, n1, n2], the error of its columns [B], iterations [B], and a trace if kept."""

    plan: Tensor
    error: Tensor
    iterations: Tensor
    trace: object = None


def solve(
    cost: Tensor,
    rows: Tensor,
    columns: Tensor,
    temperature: float,
    max_iterations: int,
    tolerance: float,
    keep: bool,
) -> Solution:
    """Scale the columns, then the rows, until the columns' error is below the tolerance.

    Args:
        cost: [B, n1, n2], finite.
        rows: [B, n1], masses; 0 in padding.
        columns: [B, n2], masses that add up to the same; 0 in padding.
        temperature: Weight of the entropy.
        max_iterations: When to stop at the latest.
        tolerance: L1 error.
        keep: Whether to keep a trace for :func:`pull_back`.
    """
    # Pairs without mass go along with one everywhere, and lose it at the end.
    alive = ((rows.sum(1) > 0) & (columns.sum(1) > 0))[:, None]
    rows, columns = torch.where(alive, rows, 1.0), torch.where(alive, columns, 1.0)
    kernel = torch.exp(cost / -temperature)
    trace = Trace(kernel, [], [], [], [], [])
    # A row vector times a matrix is several times faster than a matrix times a column vector.
    left, right = (rows > 0).to(cost.dtype)[:, None, :], columns[:, None, :]
    num_pairs = cost.size(0)
    error = cost.new_zeros(num_pairs)
    iterations = torch.zeros(num_pairs, dtype=torch.long, device=cost.device)
    active, mask, looked = alive[:, 0], None, 0
    rows, columns = rows[:, None, :], columns[:, None, :]
    turned = kernel.mT
    arriving = torch.bmm(left, kernel)
    for step in range(1, max_iterations + 1):
        new_right = columns / arriving
        leaving = torch.bmm(new_right, turned)
        new_left = rows / leaving
        if keep:
            trace.left.append(left)
            trace.right.append(new_right)
            trace.leaving.append(leaving)
            trace.arriving.append(arriving)
            trace.active.append(mask)
        right = new_right if mask is None else torch.where(mask, new_right, right)
        left = new_left if mask is None else torch.where(mask, new_left, left)
        # What arrives at the columns now: a step further, it would be scaled away.
        arriving = torch.bmm(left, kernel)
        if not (is_looked_at(step) or step == max_iterations):
            continue
        iterations += (step - looked) * active
        looked = step
        error = torch.where(active, (right * arriving - columns).abs_().sum((1, 2)), error)
        active = active & (error >= tolerance)
        count = int(active.sum())
        if count == 0:
            break
        mask = None if count == num_pairs else active[:, None, None]
    left = left * alive[:, None]
    trace.left.append(left)
    plan = (kernel * left.mT).mul_(right)
    return Solution(plan, error, iterations, trace if keep else None)


def is_looked_at(step: int) -> bool:
    """Whether the error is, after so many iterations: looking costs as much as iterating."""
    return step in (1, 4) or step % 8 == 0


def pull_back(trace: Trace, plan: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    """From the gradient of the plan to that of the cost, through all iterations.

    The adjoint of an iteration is two products with the kernel again; what all iterations do to the
    kernel itself is a sum of outer products, and so one product of two matrices in the end.
    """
    kernel, turned = trace.kernel, trace.kernel.mT
    weighted = gradient * plan
    # Gradients in the logarithms of the scalings; of the columns', with the sign turned.
    of_left = weighted.sum(2)[:, None, :]
    of_right: Tensor | None = weighted.sum(1)[:, None, :]
    over_rows, over_columns = [], []
    for step in reversed(range(len(trace.right))):
        left, right, mask = trace.left[step], trace.right[step], trace.active[step]
        mine = of_left if mask is None else of_left.masked_fill(~mask, 0)
        row = mine / trace.leaving[step]
        passed = right * torch.bmm(row, kernel)
        if of_right is not None:
            passed = passed - of_right
        column = passed / trace.arriving[step]
        if mask is None:
            of_left, of_right = left * torch.bmm(column, turned), None
        else:
            column = column.masked_fill(~mask, 0)
            of_left = torch.where(mask, left * torch.bmm(column, turned), of_left)
            of_right = None if of_right is None else of_right.masked_fill(mask, 0)
        over_rows.append(row)
        over_columns.append(column)
    steps = range(len(trace.right) - 1, -1, -1)
    outer = torch.bmm(torch.cat(over_rows, 1).mT, torch.cat([trace.right[k] for k in steps], 1))
    outer = outer.baddbmm_(
        torch.cat([trace.left[k] for k in steps], 1).mT, torch.cat(over_columns, 1), alpha=-1
    )
    return outer.mul_(kernel).sub_(weighted).div_(temperature)
