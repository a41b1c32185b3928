"""Cosines of many pairs of rows, and their gradient as one sparse product."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from pyg_grapheme.graphs.check_graphs import row_norms
from pyg_grapheme.nn.pool.scores.pair_product import sampled_products, weighted_sums


def cosine_score(x: Tensor, pairs: Tensor, norm: Tensor | None = None) -> Tensor:
    """Cosine of the angle between the features of each pair; 0 where one of them is zero.

    Args:
        x: [N, F].
        pairs: [2, M]; fastest if sorted by their first or second node. The order of the two nodes
            of a pair does not change a bit of its score.
        norm: [N], the length of each row of x if it is known, detached, float32 at least.

    Returns:
        [M], in [-1, 1], float32 at least: half precision cannot tell close scores apart.

    Differentiation: exact, any number of times. The cosine has no derivative at a zero vector; the
        one used there is that of the dot product with the other node's direction.
    Cost: O(N F + M F) time, O(N + M) extra memory; higher derivatives take O(M F) memory.
    """
    if pairs.size(1) > x.size(0) ** 2:
        # Repeats: a sparse pattern of N x N has no more entries than that.
        parts = torch.split(pairs, x.size(0) ** 2, dim=1)
        return torch.cat([cosine_score(x, part, norm) for part in parts])
    first, second = pairs
    if not _is_sorted(first):
        first, second = second, first
        if not _is_sorted(first):
            order = first.argsort()
            ordered = cosine_score(x, pairs.index_select(1, order), norm)
            return torch.empty_like(ordered).index_copy(0, order, ordered)
    x = x.to(torch.promote_types(x.dtype, torch.float))
    norm = row_norms(x) if norm is None else norm
    if _squares_are_safe(norm):
        inverse = norm.reciprocal()
    else:
        x, inverse = scaled_rows(x)
    score: Tensor = _Cosine.apply(x, inverse, first, second)  # type: ignore[no-untyped-call]
    return score


def _is_sorted(nodes: Tensor) -> bool:
    return bool((nodes[1:] >= nodes[:-1]).all())


def _squares_are_safe(norm: Tensor) -> bool:
    limits = torch.finfo(norm.dtype)
    low, high = torch.stack(norm.aminmax()).tolist() if norm.numel() else (1.0, 1.0)
    return bool(limits.tiny**0.25 < low <= high < limits.max**0.25)


def scaled_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that neither overflow nor underflow, and 1 / |x|: lengths do not change the cosine."""
    largest = F.pad(x.detach().abs(), (0, 1)).amax(dim=-1, keepdim=True)  # F may be 0
    x = x / largest.masked_fill(largest == 0, 1.0)
    norm = row_norms(x)
    return x, norm.masked_fill(norm == 0, 1.0).reciprocal()


class _Cosine(Function):
    """x, 1 / |x|, i, j -> s = x_i . x_j / (|x_i| |x_j|).

    ds/dx_i = x_j / (|x_i| |x_j|) - s x_i / |x_i|^2, so the gradient of all scores is A x with a
    symmetric sparse matrix A. One product replaces several passes over N x F numbers.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, inverse: Tensor, first: Tensor, second: Tensor) -> Tensor:
        scale = inverse.index_select(0, first).mul_(inverse.index_select(0, second))
        score = sampled_products(x, x, first, second).mul_(scale)
        ctx.save_for_backward(x, inverse, first, second, score)
        return score

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        x, inverse, first, second, score = ctx.saved_tensors
        if torch.is_grad_enabled():
            # Higher derivatives come from the same function in plain operations.
            plain = _plain_cosine(x, first, second)
            (of_x,) = torch.autograd.grad(plain, x, gradient, create_graph=True)
            return of_x, None, None, None
        return _gradient(gradient, x, inverse, first, second, score), None, None, None


def _gradient(
    g: Tensor, x: Tensor, inverse: Tensor, low: Tensor, high: Tensor, score: Tensor
) -> Tensor:
    """A x, see :class:`_Cosine`."""
    across = g * inverse.index_select(0, low) * inverse.index_select(0, high)
    own = g * score
    diagonal = torch.zeros_like(inverse).index_add_(0, low, own).index_add_(0, high, own)
    diagonal = diagonal.mul_(inverse).mul_(inverse).neg_()
    nodes = torch.arange(x.size(0), device=x.device)
    row, column = torch.cat([low, high, nodes]), torch.cat([high, low, nodes])
    return weighted_sums(row, column, torch.cat([across, across, diagonal]), x)


def _plain_cosine(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    # The norm's second derivative at zero is NaN; a constant replaces it there.
    zero = (x.detach() == 0).all(dim=-1)
    norm: Tensor = torch.linalg.vector_norm(x.masked_fill(zero[:, None], 1.0), dim=-1)
    inverse = norm.masked_fill(zero, 1.0).reciprocal()
    dot: Tensor = torch.linalg.vecdot(x.index_select(0, low), x.index_select(0, high))
    return dot * inverse.index_select(0, low) * inverse.index_select(0, high)
