"""Candidate pairs and how alike the nodes of each are."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.graphs.check_graphs import Graphs
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs
from pyg_grapheme.nn.pool.connect import reduction_dtype
from pyg_grapheme.nn.pool.scores.cosine import cosine_score


def edge_pairs(edge_index: Tensor, num_nodes: int, undirected: bool = False) -> Tensor:
    """Find the pairs of nodes that an edge joins, in either direction or both.

    Args:
        edge_index: [2, E]; self-loops and repeats are allowed.
        num_nodes: N.
        undirected: Whether every edge is known to be there in both directions, as PyG's
            ``EdgeIndex`` may tell. Sorted by row or by column, they need no sorting then.

    Returns:
        [2, M], each pair once with its smaller node first, sorted: the order of the edges decides
        nothing.

    Cost: O(E log E), O(E) for undirected edges that are sorted.
    """
    edge_index = edge_index.long()
    if undirected:
        for low, high in (edge_index, edge_index.flip(0)):
            pairs = torch.stack([low, high])[:, low < high]
            key = pairs[0] * num_nodes + pairs[1]
            if bool((key[1:] > key[:-1]).all()):
                return pairs
    low, high = torch.minimum(*edge_index), torch.maximum(*edge_index)
    apart = (low != high).nonzero().view(-1)
    key = torch.unique((low * num_nodes + high).index_select(0, apart))
    low = key // max(num_nodes, 1)
    return torch.stack([low, key - low * num_nodes])


class Scorer(Protocol):
    """What scores pairs of the nodes of some graphs.

    Attributes:
        may_draw: Whether scores may be random.
    """

    may_draw: bool

    def __call__(self, pairs: Tensor) -> Tensor:
        """From pairs [2, M], smaller node first, to scores [M], differentiable."""

    def scored(self, pairs: Tensor) -> ScoredPairs:
        """Put pairs [2, M] and their scores together."""


class CosineScorer:
    """Cosine of the features: cheap enough to score what matters twice."""

    may_draw = False

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __call__(self, pairs: Tensor) -> Tensor:
        return cosine_score(self.x, pairs)

    def scored(self, pairs: Tensor) -> ScoredPairs:
        """Score without a graph; those pairs that a gradient goes to are scored again."""
        again = self if self.x.requires_grad and torch.is_grad_enabled() else None
        return ScoredPairs(pairs, cosine_score(self.x.detach(), pairs), again)


class ModuleScorer:
    """A learned score, which may be dear or random: each pair is scored once."""

    may_draw = True

    def __init__(
        self, module: nn.Module, graphs: Graphs, edge_reduce: str, check_finite: bool
    ) -> None:
        self.module, self.graphs = module, graphs
        self.edge_reduce, self.check_finite = edge_reduce, check_finite

    def __call__(self, pairs: Tensor) -> Tensor:
        x, edge_index, attributes = self.graphs[:3]
        if attributes is not None:
            attributes = pair_attributes(edge_index, attributes, pairs, x.size(0), self.edge_reduce)
        return module_score(self.module, x, pairs, attributes, self.check_finite)

    def scored(self, pairs: Tensor) -> ScoredPairs:
        """Score, and keep what the backward pass needs."""
        return ScoredPairs(pairs, self(pairs))


def make_scorer(
    score: Literal["cosine"] | nn.Module, graphs: Graphs, edge_reduce: str, check_finite: bool
) -> Scorer:
    """Make what scores the pairs of some graphs."""
    if isinstance(score, nn.Module):
        return ModuleScorer(score, graphs, edge_reduce, check_finite)
    return CosineScorer(graphs.x)


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
    wide = edge_attr[listed].to(reduction_dtype(edge_attr.dtype, reduce))
    reduced: Tensor = scatter(wide, of_pair, 0, pairs.size(1), reduce)
    if edge_attr.is_floating_point():
        reduced = reduced.to(edge_attr.dtype)
    joined = torch.zeros_like(order, dtype=torch.bool).index_fill(0, of_pair, True)
    return torch.where(joined.view(-1, *(1,) * (reduced.dim() - 1)), reduced, 0)
