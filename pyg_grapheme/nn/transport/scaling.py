"""Sinkhorn's iterations as two matrix-vector products each, and their adjoint.

Fast. The caller makes sure that exp(-cost / temperature) neither underflows nor overflows: with
costs from 0 to S temperature, the scalings stay within exp(2 S) of the marginals.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.transport.progress import Progress, Solution


class Trace(NamedTuple):
    """Values of K iterations that the backward pass needs. Vectors are rows, [B, 1, n].

    Attributes:
        kernel: [B, n1, n2], exp(-cost / temperature).
        u: K + 1 scalings of the rows, before and after every iteration.
        v: K scalings of the columns.
        kernel_v: K products of the kernel and v, by which a is divided.
        kernel_u: K products of the transposed kernel and u, by which b is divided.
        active: K masks [B, 1, 1] of the pairs that iterate; None for all of them.
    """

    kernel: Tensor
    u: list[Tensor]
    v: list[Tensor]
    kernel_v: list[Tensor]
    kernel_u: list[Tensor]
    active: list[Tensor | None]


def solve(
    cost: Tensor,
    a: Tensor,
    b: Tensor,
    temperature: float,
    max_iterations: int,
    tolerance: float,
    keep: bool,
) -> Solution:
    """Scale the columns, then the rows, until the error of the columns is below the tolerance.

    Args:
        cost: [B, n1, n2], finite.
        a: [B, n1], row marginal; 0 in padding.
        b: [B, n2], column marginal with the same sum; 0 in padding.
        temperature: Weight of the entropy.
        max_iterations: Upper bound on the iterations.
        tolerance: L1 error.
        keep: Whether to keep a trace for :func:`vjp`.
    """
    progress = Progress(a, b, max_iterations, tolerance)
    # Empty pairs use unit mass during the iterations; their plan is zeroed at the end.
    alive = progress.active[:, None, None]
    a, b = torch.where(alive, a[:, None, :], 1.0), torch.where(alive, b[:, None, :], 1.0)
    kernel = torch.exp(cost / -temperature)
    transposed = kernel.mT
    trace = Trace(kernel, [], [], [], [], [])
    # A row vector times a matrix is several times faster than a matrix times a column vector.
    u, v = (a > 0).to(cost.dtype), b
    kernel_u = torch.bmm(u, kernel)
    mask = None
    for step in range(1, max_iterations + 1):
        new_v = b / kernel_u
        kernel_v = torch.bmm(new_v, transposed)
        new_u = a / kernel_v
        if keep:
            trace.u.append(u)
            trace.v.append(new_v)
            trace.kernel_v.append(kernel_v)
            trace.kernel_u.append(kernel_u)
            trace.active.append(mask)
        v = new_v if mask is None else torch.where(mask, new_v, v)
        u = new_u if mask is None else torch.where(mask, new_u, u)
        kernel_u = torch.bmm(u, kernel)
        if progress.is_check_step(step):
            num_active = progress.update(step, (v * kernel_u - b).abs_().sum((1, 2)))
            if num_active == 0:
                break
            mask = None if num_active == cost.size(0) else progress.active[:, None, None]
    u = u * alive
    trace.u.append(u)
    plan = (kernel * u.mT).mul_(v)
    return Solution(plan, progress.error, progress.iterations, trace if keep else None)


def vjp(trace: Trace, plan: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    """Turn the gradient of the plan into that of the cost, through all iterations.

    The adjoint of an iteration is two products with the kernel again. The contributions of all
    iterations to the gradient of the kernel are outer products, summed in one matrix product.
    """
    kernel, transposed = trace.kernel, trace.kernel.mT
    weighted = gradient * plan
    # Gradients with respect to log u and, with the sign reversed, log v.
    grad_u = weighted.sum(2)[:, None, :]
    grad_v: Tensor | None = weighted.sum(1)[:, None, :]
    over_rows, over_columns = [], []
    steps = range(len(trace.v) - 1, -1, -1)
    for step in steps:
        u, v, mask = trace.u[step], trace.v[step], trace.active[step]
        row = (grad_u if mask is None else grad_u.masked_fill(~mask, 0)) / trace.kernel_v[step]
        column = v * torch.bmm(row, kernel)
        if grad_v is not None:
            column = column - grad_v
        column = column / trace.kernel_u[step]
        if mask is None:
            grad_u, grad_v = u * torch.bmm(column, transposed), None
        else:
            column = column.masked_fill(~mask, 0)
            grad_u = torch.where(mask, u * torch.bmm(column, transposed), grad_u)
            grad_v = None if grad_v is None else grad_v.masked_fill(mask, 0)
        over_rows.append(row)
        over_columns.append(column)
    outer = torch.bmm(torch.cat(over_rows, 1).mT, torch.cat([trace.v[k] for k in steps], 1))
    outer = outer.baddbmm_(
        torch.cat([trace.u[k] for k in steps], 1).mT, torch.cat(over_columns, 1), alpha=-1
    )
    return outer.mul_(kernel).sub_(weighted).div_(temperature)
