"""Sparse matrix products for many pairs of rows."""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

# Torch warns once per process, at the first of these tensors, and users of the pool cannot act on
# it. A filter that stays would lose to later ones, such as those of ``pytest -W error``.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Sparse (CSR tensor support|invariant checks)")
    torch.sparse_csr_tensor([0], [], [], (0, 0), device="cpu", check_invariants=False)


def sampled_products(x: Tensor, y: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return x_i . y_j [M] for rows i [M], sorted, and columns j [M]; not differentiable.

    The pairs are the sparsity pattern of a sampled dense product. Gathering the rows first would
    need two temporaries of M x F, which cost far more than the products.
    """
    # sparse_csr_tensor requires contiguous indices.
    start = torch.ops.aten._convert_indices_from_coo_to_csr(row.contiguous(), x.size(0))
    pattern = torch.sparse_csr_tensor(
        start,
        column.contiguous(),
        x.new_zeros(row.numel()),
        (x.size(0), x.size(0)),
        check_invariants=False,
    )
    with torch.autocast(x.device.type, enabled=False):
        products: Tensor = torch.sparse.sampled_addmm(pattern, x, y.mT, beta=0.0).values()
    return products


def weighted_sums(row: Tensor, column: Tensor, weight: Tensor, x: Tensor) -> Tensor:
    """Return A x for a square sparse matrix A, given by its entries; not differentiable.

    ``embedding_bag`` computes this product several times faster than sparse tensors do.

    Args:
        row: [K].
        column: [K].
        weight: [K].
        x: [N, F].

    Returns:
        [N, F].
    """
    row, order = row.sort(stable=True)
    start = torch.ops.aten._convert_indices_from_coo_to_csr(row, x.size(0))
    if x.numel() == 0:
        return torch.zeros_like(x)
    with torch.autocast(x.device.type, enabled=False):
        return embedding_bag(
            column[order], x, start[:-1], mode="sum", per_sample_weights=weight[order]
        )
