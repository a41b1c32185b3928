"""Probabilities of the cuts of a filtration under a logistic threshold."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.graphs import segment_positions


def interval_probability(
    height: Tensor,
    num_steps: Tensor,
    graph: Tensor,
    birth: Tensor,
    death: Tensor,
    threshold: Tensor,
    temperature: float,
) -> Tensor:
    """Return the probability that the threshold falls between two steps of a graph.

    The threshold of each graph is ``threshold + temperature * eps``, eps standard logistic. With
    a = (s - tau) / T for the height s of step ``birth``, and b for that of step ``death``,

        p = sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)),

    the latter without cancellation.

    Args:
        height: [S over all graphs], by graph, falling in each.
        num_steps: [B].
        graph: [R].
        birth: [R], a step of the graph, from 1; 0 is at +infinity.
        death: [R], a later step; one more than there are is at -infinity.
        threshold: tau, a scalar or [B].
        temperature: T.

    Returns:
        [R].

    Differentiation: exact in heights and threshold.
    Cost: O(S + R + B).
    """
    log_sides, between = _factors(height, num_steps, graph, birth, death, threshold, temperature)
    return torch.exp(log_sides) * between


def cut_probabilities(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float
) -> Tensor:
    """Return the probability of every cut: [S + B], graph by graph, the cut without a step first.

    Arguments and differentiation are those of :func:`interval_probability`. Cost: O(S + B).
    """
    graph, level = segment_positions(num_steps + 1)
    return interval_probability(height, num_steps, graph, level, level + 1, threshold, temperature)


def sampled_log_prob(
    height: Tensor, num_steps: Tensor, threshold: Tensor, temperature: float, sampled: Tensor
) -> Tensor:
    """Return the log-probability [B] of the cut of each graph at its sampled threshold [B].

    Other arguments, differentiation and cost are those of :func:`cut_probabilities`.
    """
    step_graph = torch.repeat_interleave(num_steps)
    is_above = (height.detach() > sampled[step_graph]).long()
    level = scatter(is_above, step_graph, dim_size=num_steps.numel())
    graph = torch.arange(num_steps.numel(), device=num_steps.device)
    log_sides, between = _factors(
        height, num_steps, graph, level, level + 1, threshold, temperature
    )
    return log_sides + between.log()


def _factors(
    height: Tensor,
    num_steps: Tensor,
    graph: Tensor,
    birth: Tensor,
    death: Tensor,
    threshold: Tensor,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """Logarithm of sigmoid(a) sigmoid(-b), and 1 - exp(b - a); see ``interval_probability``."""
    first = cumsum(num_steps)[graph]
    # Step s of a graph is entry first + s of this list.
    padded = F.pad(height, (1, 1))
    upper = padded[first + birth].masked_fill(birth == 0, torch.inf)
    lower = padded[first + death].masked_fill(death > num_steps[graph], -torch.inf)
    tau = threshold if threshold.dim() == 0 else threshold[graph]
    log_above = F.logsigmoid((upper - tau) / temperature)
    log_below = F.logsigmoid((tau - lower) / temperature)
    # b - a from the heights themselves: the difference of two rounded arguments has fewer digits.
    return log_above + log_below, -torch.expm1((lower - upper) / temperature)
