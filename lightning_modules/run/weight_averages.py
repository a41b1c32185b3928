"""Averages of the weights, which are validated and kept in their place."""

from lightning.pytorch.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverages(WeightAveraging):
    """Exponential moving averages of the weights, of all of them at once.

    Lightning's ``EMAWeightAveraging`` goes through them one by one, which takes a small model as
    long as a layer. Buffers are left alone: they are hashes of graphemes, of which there is no
    average.

    Args:
        decay: Share of the averages so far in those of the next step: 0.995 reaches back some 200.

    Raises:
        ValueError: if ``decay`` is not in [0, 1).
    """

    def __init__(self, decay: float = 0.995) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"Expected 'decay' to be in [0, 1) (got {decay})")
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        super().__init__(use_buffers=False, multi_avg_fn=average)
