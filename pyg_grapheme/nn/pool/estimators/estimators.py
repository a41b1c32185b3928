"""Estimators of the gradient of the threshold in ``forward``.

The output of a hard merge is piecewise constant in the threshold. An estimator defines the output
of the pool and the gradient that the threshold receives. ``ThresholdMergePool.cuts`` needs none:
its gradient is exact. ``benchmarks/results/estimators.md`` compares them with it.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor
from torch.autograd import Function
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool.candidates.candidates import pair_threshold
from pyg_grapheme.nn.pool.select import Selection
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.typing import EstimatorName


class EstimatorInput(NamedTuple):
    """A merge as estimators take it: the input, the clustering, and the plain output.

    Attributes:
        x: [N, F], the input.
        pooled: [C, F], the aggregated members of the clusters.
        selection: The clustering and the scores that led to it.
        threshold: Scalar, differentiable; [N] if one is sampled or given per graph.
        temperature: T.
    """

    x: Tensor
    pooled: Tensor
    selection: Selection
    threshold: Tensor
    temperature: float


class Estimator(ABC):
    """An estimator of the gradient of the threshold."""

    differentiates_scores: bool = True
    """Whether the features receive a gradient through the scores."""

    samples_threshold: bool = False
    """Whether a threshold per graph is sampled in training: logistic, around the pool's own."""

    needs_log_prob: bool = False
    """Whether the history holds the log-probability of the sampled clustering."""

    needs_candidates: bool = True
    """Whether the candidate pairs are used, each of which is then listed once."""

    @abstractmethod
    def __call__(self, merge: EstimatorInput) -> Tensor:
        """Return the pool's output [C, F]."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NoEstimator(Estimator):
    """``"none"``: the plain output; the threshold's gradient is zero.

    Differentiation: exact in x for the function it computes.
    """

    differentiates_scores = False
    needs_candidates = False

    def __call__(self, merge: EstimatorInput) -> Tensor:
        return merge.pooled


class Gate(Estimator):
    """``"gate"``: scales every output node by its soft membership w.

    w is the mean of sigmoid((score - threshold) / T) over the merged pairs inside the node, and 1
    for a node of one member.

    Differentiation: exact almost everywhere for the function that it computes, but that is not the
        loss of the merge: to the gate, a lower threshold means less scaling, and nothing else. The
        measured cosine with the exact gradient of the threshold is -0.88 to -0.33.
    """

    def __call__(self, merge: EstimatorInput) -> Tensor:
        output: Tensor = _Scaled.apply(  # type: ignore[no-untyped-call]
            merge.pooled, soft_membership(merge)
        )
        return output


class StraightThrough(Estimator):
    """``"straight_through"``: returns the plain output; the gradient uses the soft membership.

    The threshold and the parameters of a learned score receive the gradient of
    ``(1 - w) * x_first + w * pooled``, with x_first the smallest member and w as for :class:`Gate`.
    The features receive the gradient of the plain output, and none through the scores.

    Differentiation: exact in x for the plain output, biased for the rest: the measured cosine with
        the exact gradient of the threshold is -0.31 to 0.30.
    Source: Bengio, Léonard and Courville 2013, "Estimating or propagating gradients through
        stochastic neurons for conditional computation" (the idea; this form is ours).
    """

    differentiates_scores = False

    def __call__(self, merge: EstimatorInput) -> Tensor:
        if merge.pooled.shape[1:] != merge.x.shape[1:]:
            raise ValueError(
                f"Expected 'reduce' to keep the width of x, [N, {merge.x.size(1)}], with "
                f"estimator={type(self).__name__}() (got {tuple(merge.pooled.shape)})"
            )
        output: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            merge.pooled, soft_membership(merge), merge.x.detach(), first_members(merge.selection)
        )
        return output


class Gumbel(StraightThrough):
    """``"gumbel"``: merges at a threshold sampled per graph; the gradient is straight-through.

    The noise is logistic, the difference of two Gumbel variables. This is the relaxation of Jang,
    Gu and Poole 2017, "Categorical reparameterization with Gumbel-softmax", and Maddison, Mnih and
    Teh 2017, "The concrete distribution", of whether a pair merges; all pairs of a graph share one
    sample. Evaluation samples nothing.

    Differentiation: as :class:`StraightThrough`, at the sampled threshold; biased: the measured
        cosine with the exact gradient of the threshold is -0.25 to 0.24.
    """

    samples_threshold = True


class Reinforce(Estimator):
    """``"reinforce"``: merges at a threshold sampled per graph and records its log-probability.

    ``history.log_prob`` is the log-probability of the clustering, differentiable in the threshold
    and the scores. ``ReinforceLoss`` uses it (Williams 1992, "Simple statistical gradient-following
    algorithms for connectionist reinforcement learning"). Evaluation samples nothing.

    Differentiation: exact in x for the plain output. With ``ReinforceLoss``, unbiased for the
        expectation in everything that it depends on.
    """

    samples_threshold = True
    needs_log_prob = True

    def __call__(self, merge: EstimatorInput) -> Tensor:
        return merge.pooled


class _Scaled(Function):
    """pooled [C, F], w [C] -> w pooled; the backward pass needs no C x F temporary."""

    @staticmethod
    def forward(ctx: Any, pooled: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(pooled, w)
        return pooled * w[:, None]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        pooled, w = ctx.saved_tensors
        return gradient * w[:, None], torch.linalg.vecdot(gradient, pooled)


def soft_membership(merge: EstimatorInput) -> Tensor:
    """Return the mean sigmoid((score - threshold) / T) of the merged pairs of each cluster, [C]."""
    cluster, num_clusters, candidates, threshold = merge.selection

    def is_merged(pairs: Tensor, score: Tensor) -> Tensor:
        return score > pair_threshold(threshold, pairs)

    def sum_and_count(pairs: Tensor, score: Tensor) -> Tensor:
        gap = score - pair_threshold(merge.threshold, pairs)
        membership = torch.sigmoid(gap / merge.temperature)
        # One scatter for the sum and the count.
        terms = torch.stack([membership, torch.ones_like(membership)], dim=1)
        total: Tensor = scatter(terms, cluster[pairs[0]], dim_size=num_clusters)
        return total

    total, count = candidates.sum_over(is_merged, sum_and_count).unbind(1)
    mean = torch.where(count > 0, total, 1.0) / count.clamp(min=1)
    return mean.to(merge.pooled.dtype)


def first_members(selection: Selection) -> Tensor:
    """Return the smallest member of each cluster, [C]."""
    cluster, num_clusters = selection[:2]
    nodes = torch.arange(cluster.numel(), device=cluster.device)
    first = nodes.new_full((num_clusters,), cluster.numel())
    return first.scatter_reduce(0, cluster, nodes, "amin")


class _StraightThrough(Function):
    """pooled, w [C], x, first [C] -> pooled; the gradient of w is computed in ``backward``."""

    @staticmethod
    def forward(ctx: Any, pooled: Tensor, w: Tensor, x: Tensor, first: Tensor) -> Tensor:
        ctx.save_for_backward(pooled, x, first)
        return pooled.view_as(pooled)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        pooled, x, first = ctx.saved_tensors
        direction = pooled.detach() - x.index_select(0, first)
        return gradient, torch.linalg.vecdot(gradient, direction), None, None


_BY_NAME: dict[EstimatorName, type[Estimator]] = {
    "none": NoEstimator,
    "gate": Gate,
    "straight_through": StraightThrough,
    "gumbel": Gumbel,
    "reinforce": Reinforce,
}


def resolve_estimator(estimator: EstimatorName | Estimator) -> Estimator:
    """Return the estimator of a name; an estimator is returned unchanged."""
    if isinstance(estimator, Estimator):
        return estimator
    expect_one_of("estimator", estimator, get_args(EstimatorName))
    return _BY_NAME[estimator]()
