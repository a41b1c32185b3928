"""Averages of the weights, which are validated and saved in their place."""

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn

from pyg_grapheme.options import expect_share


class WeightAverages(WeightAveraging):
    """Exponential moving averages of all weights at once.

    Lightning's ``EMAWeightAveraging`` updates them one by one, which takes a small model as long as
    a layer. Buffers are copied: they hold hashes of units, which have no average.

    Args:
        decay: Weight of the old averages in each step: 0.995 averages over about 200 steps.

    Raises:
        ValueError: if ``decay`` is not in [0, 1).
    """

    def __init__(self, decay: float = 0.995) -> None:
        average = get_ema_multi_avg_fn(expect_share("decay", decay))  # type: ignore[no-untyped-call]
        super().__init__(use_buffers=False, multi_avg_fn=average)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Begin with the weights of the module, in the precision that they are trained in."""
        super().setup(trainer, pl_module, stage)
        if self._average_model is not None:
            trainer.precision_plugin.convert_module(self._average_model)
