"""Dot products of many pairs of rows, as sparse matrix products."""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import embedding_bag

# Only the layout is used here, and users of the pool cannot act on the warning.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")


def pair_dot(x: Tensor, pairs: Tensor) -> Tensor:
    """Return the dot product of the two rows of each pair.

    The pairs are the sparsity pattern of a sampled dense product. Gathering the rows first would
    need two temporaries of M x F, which cost far more than the products, and a scatter in the
    backward pass.

    Args:
        x: [N, F], float32 or float64.
        pairs: [2, M]; fastest if sorted by their first node.

    Returns:
        [M].

    Differentiation: exact, any number of times.
    Cost: O(M F) time, O(M) memory; the backward pass sorts the pairs again.
    """
    if bool((pairs[0, 1:] >= pairs[0, :-1]).all()):
        return _apply(_SelfDot, x, pairs)
    order = pairs[0].argsort()
    return pair_dot(x, pairs[:, order])[order.argsort()]


def _apply(function: type[Function], *inputs: Tensor) -> Tensor:
    output: Tensor = function.apply(*inputs)  # type: ignore[no-untyped-call]
    return output


class _SelfDot(Function):
    """x -> (x_i . x_j) for each pair."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pairs: Tensor) -> Tensor:
        ctx.save_for_backward(x, pairs)
        return sampled_products(x, x, pairs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, pairs = ctx.saved_tensors
        return _apply(_Spread, gradient, x, pairs), None


class _Dot(Function):
    """x, y -> (x_i . y_j + x_j . y_i) for each pair."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, pairs: Tensor) -> Tensor:
        ctx.save_for_backward(x, y, pairs)
        return sampled_products(x, y, pairs) + sampled_products(y, x, pairs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, y, pairs = ctx.saved_tensors
        return _apply(_Spread, gradient, y, pairs), _apply(_Spread, gradient, x, pairs), None


class _Spread(Function):
    """g, x -> out, out_i the sum of g x_j over the pairs of i; the adjoint of the dot products."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, pairs: Tensor) -> Tensor:
        ctx.save_for_backward(weight, x, pairs)
        return weighted_sums(pairs.reshape(-1), pairs.flip(0).reshape(-1), weight.repeat(2), x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, x, pairs = ctx.saved_tensors
        return _apply(_Dot, gradient, x, pairs), _apply(_Spread, weight, gradient, pairs), None


def sampled_products(x: Tensor, y: Tensor, pairs: Tensor) -> Tensor:
    """Return x_i . y_j [M] for pairs sorted by their first node; not differentiable."""
    start = torch.ops.aten._convert_indices_from_coo_to_csr(pairs[0].contiguous(), x.size(0))
    # sparse_csr_tensor requires contiguous indices.
    pattern = torch.sparse_csr_tensor(
        start,
        pairs[1].contiguous(),
        x.new_zeros(pairs.size(1)),
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
