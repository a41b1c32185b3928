"""Scores of pairs of nodes: the cosine, a module, or given scores of edges."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from pyg_grapheme.graphs import Graphs, check_numbers
from pyg_grapheme.nn.pool.scores.cosine import cosine_score
from pyg_grapheme.nn.pool.scores.pair_attributes import pair_attributes


class Scorer(Protocol):
    """Score of pairs of the nodes of a batch of graphs.

    Attributes:
        repeatable: Whether pairs may be scored in blocks and again, with the same result.
        cheap: Whether to score some pairs again is cheaper than to keep a graph of all scores.
        takes_repeats: Whether a pair may be listed twice, or in both directions, with one score.
    """

    repeatable: bool
    cheap: bool
    takes_repeats: bool

    def __call__(self, pairs: Tensor) -> Tensor:
        """Return the scores [M] of pairs [2, M], smaller node first; differentiable."""


class CosineScorer:
    """Cosine of the features."""

    repeatable = True
    takes_repeats = True

    def __init__(self, x: Tensor, norm: Tensor | None) -> None:
        self.x, self.norm = x, norm
        self.cheap = x.requires_grad

    def __call__(self, pairs: Tensor) -> Tensor:
        return cosine_score(self.x, pairs, self.norm)


class ModuleScorer:
    """Score by a module.

    While any part of it is in training mode, it sees all pairs in one call: dropout draws once, and
    BatchNorm has statistics of all pairs.
    """

    cheap = False
    takes_repeats = False

    def __init__(
        self,
        module: nn.Module,
        graphs: Graphs,
        edge_reduce: str,
        check_finite: bool,
        directed: bool = False,
    ) -> None:
        self.module, self.graphs, self.directed = module, graphs, directed
        self.edge_reduce, self.check_finite = edge_reduce, check_finite
        self.repeatable = not any(part.training for part in module.modules())

    def __call__(self, pairs: Tensor) -> Tensor:
        x, edge_index, attributes = self.graphs[:3]
        if attributes is not None:
            attributes = pair_attributes(
                edge_index, attributes, pairs, x.size(0), self.edge_reduce, self.directed
            )
        return module_score(self.module, x, pairs, attributes, self.check_finite, self.directed)


class EdgeScorer:
    """Scores of edges that are given: their mean over all edges between the two nodes of a pair."""

    repeatable = True
    cheap = False
    takes_repeats = False

    def __init__(
        self, edge_index: Tensor, edge_score: Tensor, num_nodes: int, directed: bool = False
    ) -> None:
        self.edge_index, self.num_nodes = edge_index, num_nodes
        self.edge_score, self.directed = edge_score, directed

    def __call__(self, pairs: Tensor) -> Tensor:
        # In float64, the mean of equal float32 scores is the score itself, so that ties stay.
        wide = self.edge_score.double()
        score = pair_attributes(self.edge_index, wide, pairs, self.num_nodes, "mean", self.directed)
        return score.to(torch.promote_types(self.edge_score.dtype, torch.float))


def check_edge_score(
    edge_score: object,
    graphs: Graphs,
    score: Literal["cosine"] | nn.Module,
    logits: bool,
    check_finite: bool,
) -> Tensor | None:
    """Return the scores [E] that replace those of ``score``, or None; refuse anything else."""
    if edge_score is None:
        if logits and not isinstance(score, nn.Module):
            raise ValueError(
                "Expected 'edge_score', or a module as 'score', with logits=True (got "
                "score='cosine')"
            )
        return None
    size, device = graphs.edge_index.size(1), graphs.x.device
    return check_numbers("edge_score", edge_score, size, "edge", device, check_finite)


def make_scorer(
    score: Literal["cosine"] | nn.Module,
    graphs: Graphs,
    edge_score: Tensor | None,
    edge_reduce: str,
    check_finite: bool,
    directed: bool = False,
) -> Scorer:
    """Return the scorer of the pairs of some graphs: of ``edge_score`` [E], if it is given.

    With ``directed``, pairs are ordered, and the two directions of a pair may score differently.
    """
    if edge_score is not None:
        return EdgeScorer(graphs.edge_index, edge_score, graphs.x.size(0), directed)
    if isinstance(score, nn.Module):
        return ModuleScorer(score, graphs, edge_reduce, check_finite, directed)
    return CosineScorer(graphs.x, graphs.norm)


def module_score(
    score: nn.Module,
    x: Tensor,
    pairs: Tensor,
    attributes: Tensor | None,
    check_finite: bool = True,
    directed: bool = False,
) -> Tensor:
    """Score pairs with a module, in one call, as the mean of both directions.

    Args:
        score: ``(x_i [M, F], x_j [M, F], edge_attr [M, D] or None) -> [M]``. If it has an attribute
            ``symmetric`` that is true, it is called for one direction alone.
        x: [N, F].
        pairs: [2, M].
        attributes: [M] or [M, D], or None.
        check_finite: Refuse scores that are not finite.
        directed: Score the direction that is given alone.

    Returns:
        [M], float32 at least.

    Raises:
        ValueError: if the module does not return one finite number per pair.

    Cost: one call of the module, for 2 M pairs if it is not symmetric, and their features.
    """
    one_way = directed or bool(getattr(score, "symmetric", False))
    ends = pairs if one_way else torch.cat([pairs, pairs.flip(0)], dim=1)
    if attributes is not None and not one_way:
        attributes = torch.cat([attributes, attributes])
    try:
        scores: Tensor = score(*(x.index_select(0, end) for end in ends), attributes)
    except TypeError as error:
        error.add_note("A 'score' is called as score(x_i, x_j, edge_attr), edge_attr may be None")
        raise
    if not isinstance(scores, Tensor) or scores.shape != ends.shape[1:]:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(
            f"Expected 'score' to return one number per row of x_i, "
            f"{tuple(ends.shape[1:])} (got {got})"
        )
    scores = scores.to(torch.promote_types(scores.dtype, torch.float))
    if not one_way:
        scores = scores.reshape(2, -1).mean(0)
    if check_finite and not bool(torch.isfinite(scores).all()):
        raise ValueError("Expected 'score' to return finite numbers (got NaN or infinity)")
    return scores
