"""Averages of the weights, against the same worked out step by step."""

from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_modules import WeightAverages


class Line(L.LightningModule):
    """Two weights and a buffer that change at every step."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor([2.0, -1.0], dtype=dtype))
        self.offset = torch.nn.Parameter(torch.tensor(0.5, dtype=dtype))
        self.register_buffer("steps", torch.tensor(0))
        self.seen: list[list[Tensor]] = []

    def training_step(self, x: Tensor) -> Tensor:
        self.steps += 1
        return ((self.slope * x + self.offset) ** 2).mean()

    def on_train_batch_end(self, *rest: Any) -> None:
        self.seen.append([p.detach().clone() for p in self.parameters()])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", [torch.double, torch.float])
@pytest.mark.parametrize("decay", [0.0, 0.75])
def test_averages_fade(decay: float, dtype: torch.dtype, tmp_path: Any) -> None:
    """In float64, whether the module has it from the start or the trainer converts it."""
    line = Line(dtype)
    trainer = L.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision="64-true",
        callbacks=[WeightAverages(decay)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(line, DataLoader(torch.arange(10, dtype=torch.double).view(5, 2) / 10))
    assert len(line.seen) == 5
    average, *later = line.seen
    for weights in later:
        pairs = zip(average, weights, strict=True)
        average = [decay * old + (1 - decay) * new for old, new in pairs]
    # At the end of training, they take the weights' place.
    for kept, expected in zip(line.parameters(), average, strict=True):
        torch.testing.assert_close(kept.detach(), expected)
    assert line.steps == 5


def test_a_decay_that_is_none_is_named() -> None:
    for decay in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"Expected 'decay' to be in \[0, 1\) \(got"):
            WeightAverages(decay)
