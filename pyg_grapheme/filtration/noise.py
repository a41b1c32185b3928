"""The threshold that scores are compared with: one for all nodes, or one that each graph draws."""

import torch
from torch import Tensor


def draw_thresholds(threshold: Tensor, temperature: float, num_graphs: int) -> Tensor:
    """Draw a threshold for each graph: [B], logistic around ``threshold``, of width T.

    Differentiation: exact; each moves with the threshold, the noise staying as it is.
    """
    dtype = torch.promote_types(threshold.dtype, torch.float)
    uniform = torch.rand(num_graphs, dtype=dtype, device=threshold.device)
    return threshold + temperature * uniform.logit(eps=torch.finfo(dtype).eps)


def at_pairs(threshold: Tensor | float, pairs: Tensor) -> Tensor | float:
    """What pairs [2, M] are compared with: a scalar, or [M] where thresholds are given by node."""
    if not isinstance(threshold, Tensor) or threshold.dim() == 0:
        return threshold
    return threshold.index_select(0, pairs[0])
