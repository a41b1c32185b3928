"""Probabilities of the cuts of a filtration under a logistic threshold."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter


def cut_probabilities(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> Tensor:
    """Return the probability that the threshold falls between two heights, for all cuts.

    The threshold of each graph is ``threshold + temperature * eps``, eps standard logistic. With
    a = (s_k - tau) / T for the height s_k of a cut's last step and b for the next height,

        p = sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)),

    the latter without cancellation. s_0 is +infinity and the height after the last is -infinity.

    Args:
        height: [S over all graphs], by graph, falling in each.
        num_steps: [B].
        threshold: Scalar tau.
        temperature: T.

    Returns:
        [S + B], graph by graph, the cut without a step first.

    Differentiation: exact in heights and threshold.
    Cost: O(S + B).
    """
    log_sides, between = _factors(height, num_steps, threshold, temperature)
    return torch.exp(log_sides) * between


def sampled_log_prob(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float, sampled: Tensor
) -> Tensor:
    """Return the log-probability [B] of the cut of each graph at its sampled threshold [B].

    Other arguments, differentiation and cost are those of :func:`cut_probabilities`.
    """
    log_sides, between = _factors(height, num_steps, threshold, temperature)
    graph = torch.repeat_interleave(num_steps)
    level = scatter((height.detach() > sampled[graph]).long(), graph, dim_size=num_steps.numel())
    cut: Tensor = cumsum(num_steps + 1)[:-1] + level
    return log_sides[cut] + between[cut].log()


def _factors(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Logarithm of sigmoid(a) sigmoid(-b), and 1 - exp(b - a); see :func:`cut_probabilities`."""
    num_cuts = num_steps + 1
    ptr = cumsum(num_cuts)
    graph = torch.repeat_interleave(num_cuts)
    position = torch.arange(graph.numel(), device=graph.device)
    is_first, is_last = position == ptr[graph], position == ptr[graph + 1] - 1
    # The last step of cut r of graph g is step r - g - 1 of the list; the ends are masked below.
    padded = F.pad(height, (1, 1))
    last, following = padded[position - graph], padded[position - graph + 1]
    log_above = F.logsigmoid((last - threshold) / temperature).masked_fill(is_first, 0.0)
    log_below = F.logsigmoid((threshold - following) / temperature).masked_fill(is_last, 0.0)
    # b - a from the heights themselves: the difference of two rounded arguments has fewer digits.
    gap = ((following - last) / temperature).masked_fill(is_first | is_last, -torch.inf)
    return log_above + log_below, -torch.expm1(gap)
