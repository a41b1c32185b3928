"""The noise of the threshold."""

import torch
from torch import Tensor


def sample_thresholds(threshold: Tensor, temperature: float, num_graphs: int) -> Tensor:
    """Sample a threshold per graph: [B], logistic around ``threshold``, of width T.

    Differentiation: exact; each moves with the threshold, the noise stays as it is.
    """
    dtype = torch.promote_types(threshold.dtype, torch.float)
    uniform = torch.rand(num_graphs, dtype=dtype, device=threshold.device)
    return threshold + temperature * uniform.logit(eps=torch.finfo(dtype).eps)
