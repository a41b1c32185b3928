"""The threshold of a layer: its parameter, its noise, the checks of its options."""

import math

import torch
from torch import Tensor, nn

from pyg_grapheme.graphs import Graphs, check_graphs, check_numbers, expect_finite
from pyg_grapheme.options import expect_between, expect_flag


class ThresholdLayer(nn.Module):
    """Base of the layers that decide by comparing scores with a learned threshold.

    The parameter is ``raw_threshold``, the logit of the threshold. Scores are in [0, 1], or logits
    with ``logits=True``.

    Args:
        threshold: Initial threshold, in (0, 1).
        logits: Scores are compared with ``raw_threshold``, and the noise is on that scale.
        temperature: T > 0, the width of the noise; None for 0.1, or 1 with ``logits=True``.
        check_finite: Refuse NaN and infinity, in attributes of edges too.
    """

    def __init__(
        self, threshold: float, logits: bool, temperature: float | None, check_finite: bool
    ) -> None:
        super().__init__()
        # Closer to 1, the logit has no digits left in float32.
        expect_between("threshold", threshold, 0, 1 - 1e-7, "in (0, 1), and not within 1e-7 of 1")
        expect_flag("logits", logits)
        expect_flag("check_finite", check_finite)
        temperature = (1.0 if logits else 0.1) if temperature is None else temperature
        self.temperature = temperature
        self.initial_threshold = threshold
        self.logits, self.check_finite = logits, check_finite
        self.raw_threshold = nn.Parameter(torch.tensor(self._initial_raw_threshold()))

    def reset_parameters(self) -> None:
        """Reset the threshold to its initial value."""
        with torch.no_grad():
            self.raw_threshold.fill_(self._initial_raw_threshold())

    def _initial_raw_threshold(self) -> float:
        return math.log(self.initial_threshold / (1 - self.initial_threshold))

    @property
    def threshold(self) -> Tensor:
        """The threshold, sigmoid(raw_threshold): a differentiable scalar in (0, 1)."""
        return torch.sigmoid(self.raw_threshold)

    @property
    def temperature(self) -> float:
        """T, the width of the noise; can be set at any time."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = expect_between("temperature", value, 0, math.inf, "positive")

    def _check(self, *inputs: object) -> Graphs:
        graphs = check_graphs(*inputs, check_finite=self.check_finite)
        if self.check_finite and graphs.edge_attr is not None:
            expect_finite("edge_attr", graphs.edge_attr)
        return graphs

    def _check_threshold(self, threshold: object, graphs: Graphs) -> Tensor:
        """The threshold on the scale of the scores: the parameter, or [B]."""
        if threshold is None:
            return self.raw_threshold if self.logits else self.threshold
        size, device = graphs.num_graphs, graphs.x.device
        given = check_numbers("threshold", threshold, size, "graph", device, self.check_finite)
        # The parameter receives a zero, never None.
        return given + 0 * self.raw_threshold

    def _check_range(self, score: Tensor) -> None:
        """Refuse scores of a module outside [0, 1], unless they are logits."""
        if self.logits or not self.check_finite or score.numel() == 0:
            return
        low, high = torch.stack(score.detach().aminmax()).tolist()
        if low < 0 or high > 1:
            raise ValueError(
                f"Expected 'score' to return numbers in [0, 1], or logits with logits=True (got "
                f"{low:g} to {high:g})"
            )


def per_node(threshold: Tensor, batch: Tensor) -> Tensor:
    """Return a scalar threshold itself, or [N] of thresholds [B]."""
    return threshold if threshold.dim() == 0 else threshold.index_select(0, batch)
