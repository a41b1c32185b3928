"""Sinkhorn's iterations as two matrix-vector products each, and their adjoint.

Fast, and safe where exp(-cost / temperature) is neither 0 nor infinite, which the caller sees to:
with |cost| / temperature <= S, the scalings stay within exp(2 S) of the masses.
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
        left_per_mass: K of [B, n1], the left scaling over the row's mass.
        right_per_mass: K of [B, n2], likewise.
        active: K of [B], which pairs the iteration was for; None for all of them.
    """

    kernel: Tensor
    left: list[Tensor]
    right: list[Tensor]
    left_per_mass: list[Tensor]
    right_per_mass: list[Tensor]
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
    active, count = alive[:, 0], num_pairs
    rows, columns = rows[:, None, :], columns[:, None, :]
    arriving = left @ kernel
    for _ in range(max_iterations):
        everyone = count == num_pairs
        right_per_mass = arriving.reciprocal()
        new_right = columns * right_per_mass
        left_per_mass = (new_right @ kernel.mT).reciprocal()
        new_left = rows * left_per_mass
        mask = None if everyone else active[:, None, None]
        if keep:
            trace.left.append(left)
            trace.right.append(new_right)
            trace.left_per_mass.append(left_per_mass)
            trace.right_per_mass.append(right_per_mass)
            trace.active.append(mask)
        right = new_right if mask is None else torch.where(mask, new_right, right)
        left = new_left if mask is None else torch.where(mask, new_left, left)
        iterations += active
        arriving = left @ kernel
        # What arrives at the columns now: a step further, it would be scaled away.
        error = torch.where(active, (right * arriving - columns).abs_().sum((1, 2)), error)
        active = active & (error >= tolerance)
        count = int(active.sum())
        if count == 0:
            break
    left = left * alive[:, None]
    trace.left.append(left)
    plan = (kernel * left.mT).mul_(right)
    return Solution(plan, error, iterations, trace if keep else None)


def pull_back(trace: Trace, plan: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    """From the gradient of the plan to that of the cost, through all iterations.

    The adjoint of an iteration is two products with the kernel again; what all iterations do to the
    kernel itself is a sum of outer products, and so one product of two matrices in the end.
    """
    kernel = trace.kernel
    weighted = gradient * plan
    # Gradients in the logarithms of the scalings.
    of_left, of_right = weighted.sum(2)[:, None, :], weighted.sum(1)[:, None, :]
    over_rows, over_columns = [], []
    for step in reversed(range(len(trace.right))):
        left, right, mask = trace.left[step], trace.right[step], trace.active[step]
        mine = of_left if mask is None else of_left.masked_fill(~mask, 0)
        row = trace.left_per_mass[step] * mine
        passed = of_right - right * (row @ kernel)
        column = trace.right_per_mass[step] * passed
        if mask is not None:
            column = column.masked_fill(~mask, 0)
        before = -left * (column @ kernel.mT)
        of_left = before if mask is None else torch.where(mask, before, of_left)
        of_right = torch.zeros_like(of_right) if mask is None else of_right.masked_fill(mask, 0)
        over_rows += [row, left]
        over_columns += [right, column]
    outer = torch.bmm(torch.cat(over_rows, 1).mT, torch.cat(over_columns, 1))
    return kernel.mul(outer).sub_(weighted).div_(temperature)
