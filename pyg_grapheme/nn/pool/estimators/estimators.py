"""How a gradient reaches the threshold of a hard merge in ``forward``.

The output of a hard merge is piecewise constant in the threshold. Each estimator here says which
output the pool hands on and what gradient it lets through; ``ThresholdMergePool.expect`` needs
none of them, for its gradient is exact.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor
from torch.autograd import Function
from torch_geometric.utils import scatter

from pyg_grapheme.filtration.noise import at_pairs
from pyg_grapheme.nn.pool.select import Selection
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.typing import EstimatorName


class Merge(NamedTuple):
    """What an estimator sees of a merge: the input, the clustering, and the plain output.

    Attributes:
        x: [N, F], the input.
        pooled: [C, F], the clusters' members, reduced.
        selection: The clustering and the scores that led to it.
        threshold: Scalar, differentiable; or [N] where each graph has drawn its own.
        temperature: T.
    """

    x: Tensor
    pooled: Tensor
    selection: Selection
    threshold: Tensor
    temperature: float


class Estimator(ABC):
    """One way of letting a gradient through to the threshold."""

    differentiates_scores: bool = True
    """Whether the scores are part of the differentiated function of the node features."""

    draws: bool = False
    """Whether each graph draws a threshold while training: logistic, around the pool's own."""

    needs_log_prob: bool = False
    """Whether the history is to have the log-probability of the clustering that was drawn."""

    @abstractmethod
    def __call__(self, merge: Merge) -> Tensor:
        """Return the pool's output [C, F]."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NoEstimator(Estimator):
    """``"none"``: the plain output; the threshold's gradient is zero.

    Differentiation: exact in x for the function it computes.
    """

    differentiates_scores = False

    def __call__(self, merge: Merge) -> Tensor:
        return merge.pooled


class Gate(Estimator):
    """``"gate"``: every output node is scaled by its soft membership w.

    w is the mean of sigmoid((score - threshold) / T) over the merged pairs inside the node, and 1
    for a node of one member.

    Differentiation: exact almost everywhere, for the function it computes, which is not the loss of
        the merge: less scaling down is what a lower threshold means to it, whatever merging does.
    """

    def __call__(self, merge: Merge) -> Tensor:
        output: Tensor = _Scaled.apply(  # type: ignore[no-untyped-call]
            merge.pooled, soft_membership(merge)
        )
        return output


class StraightThrough(Estimator):
    """``"straight_through"``: forward the plain output; backward through the soft membership.

    The threshold and the parameters of a learned score get the gradient of
    ``(1 - w) * x_first + w * pooled``, x_first the smallest member and w as for :class:`Gate`.
    The features get that of the plain output: it does not reach them through the scores.

    Differentiation: exact in x for the function it computes; biased for the rest. Source: Bengio,
    Léonard and Courville 2013, "Estimating or propagating gradients through stochastic neurons
    for conditional computation" (the idea; this form is ours).
    """

    differentiates_scores = False

    def __call__(self, merge: Merge) -> Tensor:
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
    """``"gumbel"``: merge at a threshold that each graph draws; backward as straight-through.

    The noise is logistic, the difference of two Gumbel variables: this is the relaxation of Jang,
    Gu and Poole 2017, "Categorical reparameterization with Gumbel-softmax", and Maddison, Mnih and
    Teh 2017, "The concrete distribution", of whether a pair merges, all pairs of a graph sharing
    one draw. In evaluation nothing is drawn.

    Differentiation: as :class:`StraightThrough`, at the drawn threshold; biased.
    """

    draws = True


class Reinforce(Estimator):
    """``"reinforce"``: merge at a threshold that each graph draws; its log-probability is noted.

    ``history.log_prob`` holds that of the clustering, differentiable in the threshold and the
    scores, for ``ReinforceLoss``, which makes the gradient unbiased (Williams 1992, "Simple
    statistical gradient-following algorithms for connectionist reinforcement learning"). In
    evaluation nothing is drawn.

    Differentiation: the output's is exact in x for the function it computes; with ``ReinforceLoss``
        that of the expectation is unbiased, in everything.
    """

    draws = True
    needs_log_prob = True

    def __call__(self, merge: Merge) -> Tensor:
        return merge.pooled


class _Scaled(Function):
    """pooled [C, F], w [C] -> w pooled, without the C x F numbers between in the backward pass."""

    @staticmethod
    def forward(ctx: Any, pooled: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(pooled, w)
        return pooled * w[:, None]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        pooled, w = ctx.saved_tensors
        return gradient * w[:, None], torch.linalg.vecdot(gradient, pooled)


def soft_membership(merge: Merge) -> Tensor:
    """How surely each cluster is one: the mean of sigmoid((score - threshold) / T), [C]."""
    cluster, num_clusters, candidates, threshold = merge.selection

    def merged(pairs: Tensor, score: Tensor) -> Tensor:
        return score > at_pairs(threshold, pairs)

    def how_sure(pairs: Tensor, score: Tensor) -> Tensor:
        above = score - at_pairs(merge.threshold, pairs)
        sure = torch.sigmoid(above / merge.temperature)
        # How sure, and how many: one sum takes both.
        terms = torch.stack([sure, torch.ones_like(sure)], dim=1)
        total: Tensor = scatter(terms, cluster[pairs[0]], dim_size=num_clusters)
        return total

    total, count = candidates.total(merged, how_sure).unbind(1)
    mean = torch.where(count > 0, total, 1.0) / count.clamp(min=1)
    return mean.to(merge.pooled.dtype)


def first_members(selection: Selection) -> Tensor:
    """Smallest member of each cluster, [C]."""
    cluster, num_clusters = selection[:2]
    nodes = torch.arange(cluster.numel(), device=cluster.device)
    first = nodes.new_full((num_clusters,), cluster.numel())
    return first.scatter_reduce(0, cluster, nodes, "amin")


class _StraightThrough(Function):
    """pooled [C, F], w [C], x [N, F], first [C] -> pooled; what w is due is found going back."""

    @staticmethod
    def forward(ctx: Any, pooled: Tensor, w: Tensor, x: Tensor, first: Tensor) -> Tensor:
        ctx.save_for_backward(pooled, x, first)
        return pooled.view_as(pooled)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        pooled, x, first = ctx.saved_tensors
        towards = pooled.detach() - x.index_select(0, first)
        return gradient, torch.linalg.vecdot(gradient, towards), None, None


_BY_NAME: dict[EstimatorName, type[Estimator]] = {
    "none": NoEstimator,
    "gate": Gate,
    "straight_through": StraightThrough,
    "gumbel": Gumbel,
    "reinforce": Reinforce,
}


def resolve_estimator(estimator: EstimatorName | Estimator) -> Estimator:
    """Turn a name into the estimator it names; an estimator is handed back as it is."""
    if isinstance(estimator, Estimator):
        return estimator
    expect_one_of("estimator", estimator, get_args(EstimatorName))
    return _BY_NAME[estimator]()
