"""Training, scoring and prediction with Lightning."""

from lightning_modules.datamodule import MathsDataModule, TextDataModule
from lightning_modules.module import TransformModule
from lightning_modules.run.checkpoint import CheckpointError, load_module
from lightning_modules.weight_averages import WeightAverages

__all__ = [
    "CheckpointError",
    "MathsDataModule",
    "TextDataModule",
    "TransformModule",
    "WeightAverages",
    "load_module",
]
