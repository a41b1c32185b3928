"""Training, evaluation and prediction with Lightning.

The names below are imported on first use: only the text model needs the extra ``[text]``.
"""

from typing import TYPE_CHECKING

from pyg_grapheme.lazy_names import lazy_names

if TYPE_CHECKING:
    from lightning_modules.datamodules.graph_source import read_graphs, write_graphs
    from lightning_modules.datamodules.maths_data_module import MathsDataModule
    from lightning_modules.datamodules.partition_data_module import PartitionDataModule
    from lightning_modules.datamodules.records_data_module import RecordsDataModule
    from lightning_modules.datamodules.text_data_module import TextDataModule
    from lightning_modules.datamodules.track_events import TrackEvents
    from lightning_modules.modules.partition.recipe import PartitionRecipe
    from lightning_modules.modules.partition_module import PartitionModule
    from lightning_modules.modules.records_module import RecordsModule
    from lightning_modules.modules.task_module import TaskModule
    from lightning_modules.modules.transform_module import TransformModule
    from lightning_modules.run.checkpoint import CheckpointError, load_module
    from lightning_modules.run.weight_averages import WeightAverages

__all__ = [
    "CheckpointError",
    "MathsDataModule",
    "PartitionDataModule",
    "PartitionModule",
    "PartitionRecipe",
    "RecordsDataModule",
    "RecordsModule",
    "TaskModule",
    "TextDataModule",
    "TrackEvents",
    "TransformModule",
    "WeightAverages",
    "load_module",
    "read_graphs",
    "write_graphs",
]

_FILES = {
    "CheckpointError": "run.checkpoint",
    "MathsDataModule": "datamodules.maths_data_module",
    "PartitionDataModule": "datamodules.partition_data_module",
    "PartitionModule": "modules.partition_module",
    "PartitionRecipe": "modules.partition.recipe",
    "RecordsDataModule": "datamodules.records_data_module",
    "RecordsModule": "modules.records_module",
    "TaskModule": "modules.task_module",
    "TextDataModule": "datamodules.text_data_module",
    "TrackEvents": "datamodules.track_events",
    "TransformModule": "modules.transform_module",
    "WeightAverages": "run.weight_averages",
    "load_module": "run.checkpoint",
    "read_graphs": "datamodules.graph_source",
    "write_graphs": "datamodules.graph_source",
}


__getattr__ = lazy_names(__name__, _FILES)
