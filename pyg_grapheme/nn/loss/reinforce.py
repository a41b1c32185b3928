"""An unbiased gradient for what was drawn."""

import math

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool.history import MergeHistory
from pyg_grapheme.options import expect_between


class ReinforceLoss(nn.Module):
    r"""Give the loss of drawn merges a gradient that is that of the expected loss, on average.

    With :math:`L` the loss of a graph at the clustering :math:`\pi` that it has drawn, and
    :math:`b` a baseline that does not depend on the draw,

    .. math:: \nabla E[L] = E[\nabla L + (L - b) \nabla \log p(\pi)].

    The baseline takes away most of the noise: where several draws of one input are at hand, the
    mean of the others (leave-one-out: Kool, van Hoof and Welling 2019, "Buy 4 REINFORCE samples,
    get a baseline for free!"); else a running mean of past losses.

    Args:
        momentum: Share of the running mean that a batch replaces.

    Shapes:
        loss [B], history of B graphs -> [B], of the value of the loss.

    Differentiation: unbiased in all that the loss and the draw depend on.
    """

    mean: Tensor
    seen: Tensor

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = expect_between("momentum", momentum, 0, math.nextafter(1, 2), "in (0, 1]")
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    def forward(self, loss: Tensor, history: MergeHistory, source: Tensor | None = None) -> Tensor:
        """Return the loss, with the gradient of what was drawn.

        Args:
            loss: [B], one number a graph.
            history: Of a pool with the estimator "reinforce".
            source: [B], which input each graph is a copy of, where there are several draws of one.
        """
        if loss.shape != history.log_prob.shape:
            raise ValueError(
                f"Expected 'loss' to be one number for each of {history.num_graphs} graphs "
                f"(got shape {tuple(loss.shape)})"
            )
        value = loss.detach()
        advantage = value - self._baseline(value, source)
        if self.training and loss.numel() > 0:
            self._update(value.mean())
        # Zero in value, whatever the probability is.
        draw = history.log_prob - history.log_prob.detach()
        return loss + advantage * draw

    def _baseline(self, value: Tensor, source: Tensor | None) -> Tensor:
        # Before any loss was seen, the other graphs of the batch stand in: their draws are others.
        running = self.mean.to(value.dtype).expand_as(value)
        if not bool(self.seen):
            running = _mean_of_others(value, torch.zeros_like(value, dtype=torch.long), running)
        return running if source is None else _mean_of_others(value, source, running)

    @torch.no_grad()
    def _update(self, mean: Tensor) -> None:
        weight = self.momentum if bool(self.seen) else 1.0
        self.mean.lerp_(mean.to(self.mean.dtype), weight)
        self.seen.fill_(True)


def _mean_of_others(value: Tensor, source: Tensor, alone: Tensor) -> Tensor:
    """Mean of the other values of the same source; ``alone`` where there is none."""
    size = int(source.max()) + 1 if source.numel() else 0
    total = scatter(value, source, dim_size=size)[source]
    count = scatter(torch.ones_like(value), source, dim_size=size)[source]
    return torch.where(count > 1, (total - value) / (count - 1).clamp(min=1), alone)
