"""REINFORCE: an unbiased gradient for sampled thresholds."""

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.options import expect_between


class SampledHistory(Protocol):
    """History of a layer that draws a threshold per graph.

    Attributes:
        log_prob: [B], log-probability of what each graph's threshold led to.
    """

    @property
    def log_prob(self) -> Tensor: ...


class ReinforceLoss(nn.Module):
    r"""Give a loss at sampled thresholds an unbiased gradient of the expected loss.

    With :math:`L` the loss of a graph at its sampled cut :math:`\pi`, and :math:`b` a baseline that
    does not depend on the sample,

    .. math:: \nabla E[L] = E[\nabla L + (L - b) \nabla \log p(\pi)].

    The baseline removes most of the variance. With several samples of one input, it is the mean of
    the others (leave-one-out: Kool, van Hoof and Welling 2019, "Buy 4 REINFORCE samples, get a
    baseline for free!"); else it is a running mean of past losses.

    Args:
        momentum: Share of the running mean that a batch replaces.

    Shapes:
        loss [B], history of B graphs -> [B], with the value of the loss.

    Differentiation: unbiased in everything that the loss and the probabilities depend on.
    """

    mean: Tensor
    seen: Tensor

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = expect_between("momentum", momentum, 0, math.nextafter(1, 2), "in (0, 1]")
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    def forward(
        self, loss: Tensor, history: SampledHistory, source: Tensor | None = None
    ) -> Tensor:
        """Return the loss, with the gradient of the expectation.

        A loss that is not finite is returned, for a gradient scaler to detect, and left out of the
        baseline.

        Args:
            loss: [B], one number per graph.
            history: Of a layer with the estimator "reinforce".
            source: [B] integers, the input of each graph, if there are several samples per input.
        """
        _check(loss, history, source)
        value = loss.detach()
        advantage = value - self._baseline(value, source)
        if self.training:
            self._update(value)
        # Zero in value, at any probability.
        score = history.log_prob - history.log_prob.detach()
        return loss + advantage * score

    def _baseline(self, value: Tensor, source: Tensor | None) -> Tensor:
        # Before the first update, use the other graphs of the batch: their samples are independent.
        running = self.mean.to(value.dtype).expand_as(value)
        if not bool(self.seen):
            running = _mean_of_others(value, torch.zeros_like(value, dtype=torch.long), running)
        return running if source is None else _mean_of_others(value, source, running)

    @torch.no_grad()
    def _update(self, value: Tensor) -> None:
        finite = value[value.isfinite()]
        if finite.numel() == 0:
            return
        weight = self.momentum if bool(self.seen) else 1.0
        self.mean.lerp_(finite.mean().to(self.mean.dtype), weight)
        self.seen.fill_(True)


def _check(loss: Tensor, history: SampledHistory, source: Tensor | None) -> None:
    if loss.shape != history.log_prob.shape or not loss.is_floating_point():
        raise ValueError(
            f"Expected 'loss' to be one floating-point number for each of "
            f"{history.log_prob.numel()} graphs (got shape {tuple(loss.shape)}, {loss.dtype})"
        )
    if source is None:
        return
    if not isinstance(source, Tensor):
        raise TypeError(f"Expected 'source' to be a Tensor (got {type(source).__name__})")
    whole = not (source.is_floating_point() or source.is_complex() or source.dtype == torch.bool)
    if source.shape != loss.shape or not whole:
        raise ValueError(
            f"Expected 'source' to be one integer for each of {history.log_prob.numel()} graphs "
            f"(got shape {tuple(source.shape)}, {source.dtype})"
        )


def _mean_of_others(value: Tensor, source: Tensor, alone: Tensor) -> Tensor:
    """Mean of the other finite values of the same source; ``alone`` where there is none."""
    _, source = torch.unique(source, return_inverse=True)
    finite = value.isfinite()
    value, count = torch.where(finite, value, 0.0), finite.to(value.dtype)
    size = value.numel()
    others = scatter(count, source, dim_size=size)[source] - count
    total = scatter(value, source, dim_size=size)[source] - value
    return torch.where(others > 0, total / others.clamp(min=1), alone)
