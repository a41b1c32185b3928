"""Candidate pairs and how alike the nodes of each are."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool.check import Graphs
from pyg_grapheme.nn.pool.pair_product import pair_dot


def edge_pairs(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Find the pairs of nodes that an edge joins, in either direction or both.

    Args:
        edge_index: [2, E]; self-loops and repeats are allowed.
        num_nodes: N.

    Returns:
        [2, M], each pair once with its smaller node first, sorted: the order of the edges decides
        nothing.

    Cost: O(E log E).
    """
    low, high = torch.minimum(*edge_index), torch.maximum(*edge_index)
    key = torch.unique((low * num_nodes + high)[low != high])
    low = key // max(num_nodes, 1)
    return torch.stack([low, key - low * num_nodes])


def make_scorer(
    score: Literal["cosine"] | nn.Module, graphs: Graphs, edge_reduce: str, check_finite: bool
) -> Callable[[Tensor], Tensor]:
    """Make what scores pairs [2, M], smaller node first, of some graphs: [M]."""
    if not isinstance(score, nn.Module):
        return partial(cosine_score, graphs.x)
    module: nn.Module = score

    def learned_score(pairs: Tensor) -> Tensor:
        attributes = None
        if graphs.edge_attr is not None:
            attributes = pair_attributes(
                graphs.edge_index, graphs.edge_attr, pairs, graphs.x.size(0), edge_reduce
            )
        return module_score(module, graphs.x, pairs, attributes, check_finite)

    return learned_score


def cosine_score(x: Tensor, pairs: Tensor) -> Tensor:
    """Cosine of the angle between the features of each pair; 0 where one of them is zero.

    Args:
        x: [N, F].
        pairs: [2, M]; quickest where sorted by their first node.

    Returns:
        [M], in [-1, 1], float32 at least: half precision can't tell close scores apart.

    Differentiation: exact. The cosine has no derivative at a zero vector; there it is given that of
        the dot product with the other's direction.
    Cost: O(N F + M F), in time; O(N + M) more memory.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float))
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1)
    if x.size(-1) > 0 and not _squares_are_safe(norm):
        # The cosine does not depend on lengths; without them nothing over- or underflows.
        largest = x.detach().abs().amax(dim=-1, keepdim=True)
        x = x / largest.masked_fill(largest == 0, 1.0)
        norm = torch.linalg.vector_norm(x, dim=-1)
    inverse = norm.masked_fill(norm == 0, 1.0).reciprocal()
    low, high = (inverse.index_select(0, end) for end in pairs)
    return pair_dot(x, pairs) * low * high


def module_score(
    score: nn.Module,
    x: Tensor,
    pairs: Tensor,
    attributes: Tensor | None,
    check_finite: bool = True,
) -> Tensor:
    """Score pairs with a module, in both orders, averaged: a pair has no first node.

    Args:
        score: ``(x_i [M, F], x_j [M, F], edge_attr [M, D] or None) -> [M]``.
        x: [N, F].
        pairs: [2, M].
        attributes: [M] or [M, D], or None.
        check_finite: Refuse scores that are not finite.

    Returns:
        [M], float32 at least.

    Raises:
        ValueError: if the module's scores are not finite and checked, or not one a pair.

    Cost: two calls of the module, and 2 M F memory for the features of the ends.
    """
    left, right = (x.index_select(0, end) for end in pairs)
    scores: Tensor = (score(left, right, attributes) + score(right, left, attributes)) / 2
    if scores.shape != pairs.shape[1:]:
        raise ValueError(
            f"Expected 'score' to return one number for each of the {pairs.size(1)} pairs "
            f"(got shape {tuple(scores.shape)})"
        )
    if check_finite and not bool(torch.isfinite(scores).all()):
        raise ValueError("Expected 'score' to return finite numbers (got NaN or infinity)")
    return scores.to(torch.promote_types(scores.dtype, torch.float))


def pair_attributes(
    edge_index: Tensor, edge_attr: Tensor, pairs: Tensor, num_nodes: int, reduce: str
) -> Tensor:
    """Reduce the attributes of all edges between the two nodes of each pair, in either direction.

    Args:
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        pairs: [2, M], smaller node first, each once.
        num_nodes: N.
        reduce: "sum", "mean", "min", "max" or "mul".

    Returns:
        [M] or [M, D]; zero for a pair that no edge joins.

    Cost: O((E + M) log M).
    """
    key, order = (pairs[0] * num_nodes + pairs[1]).sort()
    edge_key = torch.minimum(*edge_index) * num_nodes + torch.maximum(*edge_index)
    place = torch.searchsorted(key, edge_key)
    listed = place < key.numel()
    listed[listed.clone()] = key[place[listed]] == edge_key[listed]
    of_pair = order[place[listed]]
    reduced: Tensor = scatter(edge_attr[listed], of_pair, 0, pairs.size(1), reduce)
    joined = torch.zeros_like(order, dtype=torch.bool).index_fill(0, of_pair, True)
    return torch.where(joined.view(-1, *(1,) * (reduced.dim() - 1)), reduced, 0)


def _squares_are_safe(norm: Tensor) -> bool:
    limits = torch.finfo(norm.dtype)
    return bool(((norm > limits.tiny**0.25) & (norm < limits.max**0.25)).all())
