"""Entropic optimal transport between the nodes of many pairs of graphs at once."""

from typing import NamedTuple

import torch
from torch import Tensor


class SinkhornOutput(NamedTuple):
    """Transport plans, and how far they are from meeting their marginals.

    Attributes:
        plan: [B, n1, n2]; rows sum to 1, columns to n1 / n2 as far as converged; 0 in padding.
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
) -> SinkhornOutput:
    """Transport the rows of each pair to its columns, at entropy ``temperature``.

    Rows have mass 1, columns n1 / n2 for a pair of n1 and n2 nodes, so that both add up. Each
    iteration scales the columns, then the rows, in the log domain; rows therefore hold exactly.
    A pair that has converged is left as it is, so it does not matter which others are in its batch.

    Source: Cuturi 2013, "Sinkhorn distances: lightspeed computation of optimal transport".

    Args:
        cost: [B, n1, n2].
        rows: [B, n1], True where there is a node.
        columns: [B, n2], likewise.
        temperature: Weight of the entropy, > 0.
        max_iterations: When to stop at the latest.
        tolerance: L1 error of the column sums at which a pair is done. In float32, rounding alone
            can keep the error of some pairs above 1e-6.

    Differentiation: unrolled through the iterations; exact for the plan that is returned.
    Cost: O(B n1 n2) an iteration, in time and, for the backward pass, memory.
    """
    # A finite stand-in for minus infinity: masked entries vanish, their gradients stay finite.
    outside = ~(rows[:, :, None] & columns[:, None, :])
    kernel = (-cost / temperature).masked_fill(outside, torch.finfo(cost.dtype).min / 4)
    mass = (rows.sum(1) / columns.sum(1).clamp(min=1)).to(cost.dtype)[:, None]
    mass = torch.where(columns, mass, 0.0)
    # With one side empty there is no mass; any finite number will do, the plan is masked anyway.
    log_mass = torch.where(mass > 0, mass, 1.0).log()
    f, g = cost.new_zeros(rows.shape), cost.new_zeros(columns.shape)
    active = rows.any(1) & columns.any(1)
    iterations = torch.zeros_like(active, dtype=torch.long)
    error = cost.new_zeros(active.shape)
    for iteration in range(max_iterations):
        arriving = _logsumexp(kernel + f[:, :, None], 1, columns)
        if iteration > 0:
            error = torch.where(active, _column_error(arriving + g, mass, columns), error)
            active = active & (error >= tolerance)
            if not bool(active.any()):
                break
        iterations = iterations + active
        g = torch.where(active[:, None], (log_mass - arriving).masked_fill(~columns, 0.0), g)
        leaving = _logsumexp(kernel + g[:, None, :], 2, rows)
        f = torch.where(active[:, None], -leaving, f)
    plan = torch.exp(kernel + f[:, :, None] + g[:, None, :]).masked_fill(outside, 0.0)
    error = torch.where(active, (plan.detach().sum(1) - mass).abs().sum(1), error)
    return SinkhornOutput(plan, error < tolerance, error, iterations)


def _logsumexp(values: Tensor, dim: int, mask: Tensor) -> Tensor:
    """Log-sum-exp, 0 where the whole slice is padding."""
    if values.size(dim) == 0:
        return values.new_zeros(mask.shape)
    return torch.logsumexp(values, dim).masked_fill(~mask, 0.0)


def _column_error(log_column: Tensor, mass: Tensor, columns: Tensor) -> Tensor:
    column = log_column.detach().exp().masked_fill(~columns, 0.0)
    return (column - mass).abs().sum(1)
