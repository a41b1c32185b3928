"""Training, evaluation and prediction with Lightning.

The names below are imported on first use: only the text model needs the extra ``[text]``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_modules.datamodules.maths_data_module import MathsDataModule
    from lightning_modules.datamodules.text_data_module import TextDataModule
    from lightning_modules.modules.task_module import TaskModule
    from lightning_modules.modules.transform_module import TransformModule
    from lightning_modules.run.checkpoint import CheckpointError, load_module
    from lightning_modules.run.weight_averages import WeightAverages

__all__ = [
    "CheckpointError",
    "MathsDataModule",
    "TaskModule",
    "TextDataModule",
    "TransformModule",
    "WeightAverages",
    "load_module",
]

_FILES = {
    "CheckpointError": "run.checkpoint",
    "MathsDataModule": "datamodules.maths_data_module",
    "TaskModule": "modules.task_module",
    "TextDataModule": "datamodules.text_data_module",
    "TransformModule": "modules.transform_module",
    "WeightAverages": "run.weight_averages",
    "load_module": "run.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
