"""The gradient of an entropic transport plan at its fixed point, however it was reached."""

import torch
from torch import Tensor


def vjp(plan: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    r"""Turn the gradient of the plan into that of the cost, by the implicit function theorem.

    With P = exp((f + g - C) / T), and f and g such that P has its marginals a and b, the gradient
    is -P (G - x - y) / T, where x and y are such that P (G - x - y) sums to zero in every row and
    column:

    .. math::
        \begin{pmatrix} \mathrm{diag}(a) & P \\ P^\top & \mathrm{diag}(b) \end{pmatrix}
        \begin{pmatrix} x \\ y \end{pmatrix} =
        \begin{pmatrix} (P \circ G) 1 \\ (P \circ G)^\top 1 \end{pmatrix}.

    The rows are eliminated, and y is found in float64 by Cholesky. In every connected part of P, x
    and y are determined up to a constant that is added to one and subtracted from the other; a
    small ridge selects one solution.

    Source: Luise et al. 2018, "Differential properties of Sinkhorn approximation for learning with
    Wasserstein distance".

    Args:
        plan: [B, n1, n2], converged; 0 in padding.
        gradient: [B, n1, n2], of the plan.
        temperature: T.

    Cost: O(B n1 n2 min(n1, n2)); memory of the size of the plan.
    """
    if plan.numel() == 0:
        return torch.zeros_like(plan)
    if plan.size(2) > plan.size(1):
        return vjp(plan.mT, gradient.mT, temperature).mT
    exact = plan.double()
    weighted = exact * gradient.double()
    # The marginals are the plan's own sums: it is differentiated where it stopped.
    a, b = _or_one(exact.sum(2, keepdim=True)), _or_one(exact.sum(1))
    conditional = exact / a
    ridge = 1e-12 * b.amax(1, keepdim=True)
    schur = torch.diag_embed(b + ridge) - exact.mT @ conditional
    right = weighted.sum(1) - (conditional.mT @ weighted.sum(2)[:, :, None]).squeeze(2)
    factor, _ = torch.linalg.cholesky_ex(schur)
    y = torch.cholesky_solve(right[:, :, None], factor)
    x = (weighted.sum(2, keepdim=True) - exact @ y) / a
    return ((exact * (x + y.mT) - weighted) / temperature).to(plan.dtype)


def _or_one(mass: Tensor) -> Tensor:
    """Replace zero masses by 1."""
    return torch.where(mass > 0, mass, 1.0)
