"""The gradient of an entropic transport plan at its fixed point, however it was reached."""

import torch
from torch import Tensor


def pull_back(plan: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    r"""From the gradient of the plan to that of the cost, by the implicit function theorem.

    With P = exp((f + g - C) / T), and f and g such that P has its marginals r and c, the gradient
    is -P (G - a - b) / T, where a and b make what is left of G sum to zero, weighted by P, in every
    row and column:

    .. math::
        \begin{pmatrix} \mathrm{diag}(r) & P \\ P^\top & \mathrm{diag}(c) \end{pmatrix}
        \begin{pmatrix} a \\ b \end{pmatrix} =
        \begin{pmatrix} (P \circ G) 1 \\ (P \circ G)^\top 1 \end{pmatrix}.

    The rows are eliminated, and b is found in float64 by Cholesky. The system determines a and b up
    to a constant that goes from one to the other in every part of P that is connected; a small
    ridge picks one.

    Source: Luise et al. 2018, "Differential properties of Sinkhorn approximation for learning with
    Wasserstein distance".

    Args:
        plan: [B, n1, n2], converged; 0 in padding.
        gradient: [B, n1, n2], of the plan.
        temperature: T.

    Cost: O(B n1 n2 min(n1, n2)), in memory that of the plan.
    """
    if plan.numel() == 0:
        return torch.zeros_like(plan)
    if plan.size(2) > plan.size(1):
        return pull_back(plan.mT, gradient.mT, temperature).mT
    exact = plan.double()
    weighted = exact * gradient.double()
    # The plan's own sums: where it has not converged, they are what it is differentiated at.
    mass = _or_one(exact.sum(2, keepdim=True))
    share = exact / mass
    own = _or_one(exact.sum(1))
    ridge = 1e-12 * own.amax(1, keepdim=True)
    schur = torch.diag_embed(own + ridge) - exact.mT @ share
    right = weighted.sum(1) - (share.mT @ weighted.sum(2)[:, :, None]).squeeze(2)
    factor, _ = torch.linalg.cholesky_ex(schur)
    of_columns = torch.cholesky_solve(right[:, :, None], factor)
    of_rows = (weighted.sum(2, keepdim=True) - exact @ of_columns) / mass
    left_over = exact * (of_rows + of_columns.mT) - weighted
    return (left_over / temperature).to(plan.dtype)


def _or_one(mass: Tensor) -> Tensor:
    """Masses, 1 in place of none."""
    return torch.where(mass > 0, mass, 1.0)
