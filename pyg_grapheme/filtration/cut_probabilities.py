"""Probabilities of the cuts of a filtration under a logistic threshold."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter


def interval_probability(
    upper: Tensor, lower: Tensor, threshold: Tensor, temperature: float
) -> Tensor:
    """Return the probability that the noisy threshold falls between two heights.

    The threshold is ``threshold + temperature * eps``, eps standard logistic. With
    a = (upper - tau) / T and b = (lower - tau) / T,

        p = sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)),

    the latter without cancellation.

    Args:
        upper: [R], may be +infinity.
        lower: [R], at most ``upper``, may be -infinity.
        threshold: tau, a scalar or [R].
        temperature: T.

    Differentiation: exact in heights and threshold.
    """
    log_sides, between = _factors(upper, lower, threshold, temperature)
    return torch.exp(log_sides) * between


def cut_probabilities(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> Tensor:
    """Return the probability of every cut: that the threshold falls between two steps.

    Args:
        height: [S over all graphs], by graph, falling in each.
        num_steps: [B].
        threshold: tau, a scalar or [B].
        temperature: T.

    Returns:
        [S + B], graph by graph, the cut without a step first.

    Differentiation: exact in heights and threshold.
    Cost: O(S + B).
    """
    return interval_probability(*_intervals(height, num_steps, threshold), temperature)


def sampled_log_prob(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float, sampled: Tensor
) -> Tensor:
    """Return the log-probability [B] of the cut of each graph at its sampled threshold [B].

    Other arguments, differentiation and cost are those of :func:`cut_probabilities`.
    """
    log_sides, between = _factors(*_intervals(height, num_steps, threshold), temperature)
    graph = torch.repeat_interleave(num_steps)
    level = scatter((height.detach() > sampled[graph]).long(), graph, dim_size=num_steps.numel())
    cut: Tensor = cumsum(num_steps + 1)[:-1] + level
    return log_sides[cut] + between[cut].log()


def _intervals(
    height: Tensor, num_steps: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Height of the last step of each cut and of the next, infinite at the ends; threshold."""
    num_cuts = num_steps + 1
    ptr = cumsum(num_cuts)
    graph = torch.repeat_interleave(num_cuts)
    position = torch.arange(graph.numel(), device=graph.device)
    # The last step of cut r of graph g is step r - g - 1 of the list.
    padded = F.pad(height, (1, 1))
    upper = padded[position - graph].masked_fill(position == ptr[graph], torch.inf)
    lower = padded[position - graph + 1].masked_fill(position == ptr[graph + 1] - 1, -torch.inf)
    return upper, lower, threshold if threshold.dim() == 0 else threshold[graph]


def _factors(
    upper: Tensor, lower: Tensor, threshold: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Logarithm of sigmoid(a) sigmoid(-b), and 1 - exp(b - a); see ``interval_probability``."""
    log_above = F.logsigmoid((upper - threshold) / temperature)
    log_below = F.logsigmoid((threshold - lower) / temperature)
    # b - a from the heights themselves: the difference of two rounded arguments has fewer digits.
    return log_above + log_below, -torch.expm1((lower - upper) / temperature)
