"""The interface of a task's LightningModule to ``fit``, ``evaluate`` and ``predict``."""

import json
import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import lightning as L
import torch
from lightning.pytorch.utilities.data import extract_batch_size
from torch import Tensor

from pyg_grapheme.atomic_write import atomic_write

if TYPE_CHECKING:
    from lightning_modules.run.run_recorder import RunRecorder

Scores = Mapping[str, float | None]
"""Scores by name: counts as int, the others as float, None where a score is undefined."""


class TaskModule(L.LightningModule):
    """Base class of what ``fit``, ``evaluate`` and ``predict`` can run.

    A subclass trains like any LightningModule and calls ``save_hyperparameters``, so that its
    checkpoints can be loaded. The methods below tell the commands what they need to know of its
    task; all but :meth:`evaluate` and :meth:`predict_lines` have a default.
    """

    data_links: ClassVar[Sequence[str]] = ()
    """Attributes of the data module that become arguments of the same names of the constructor."""

    changeable: ClassVar[frozenset[str]] = frozenset()
    """Hyperparameters that may change when a run resumes: they affect neither weights nor
    optimizer."""

    def setup(self, stage: str) -> None:
        """Convert the weights to the precision of the run, before a checkpoint's are restored.

        Lightning converts them afterwards: a resumed run in float64 would lose half of their bits.
        """
        self.trainer.precision_plugin.convert_module(self)

    def tracked_values(self) -> dict[str, Tensor]:
        """Return scalars to log at the end of every epoch, such as a threshold, by name."""
        return {}

    def as_share(self, loss: Tensor, size: int) -> Tensor:
        """Weigh the mean loss of some examples, so that unequal shares step as one process would.

        The gradients of several processes are averaged, whatever the numbers of their examples.

        Args:
            loss: Mean over the examples of this process.
            size: Number of these examples.
        """
        if self._trainer is None or self.trainer.world_size == 1:
            return loss
        own = torch.tensor(size, device=loss.device)
        total = int(self.trainer.strategy.reduce(own, reduce_op="sum"))
        return loss * (size * self.trainer.world_size / total)

    def num_examples(self, batch: Any) -> int:
        """Return the number of examples in a batch."""
        return getattr(batch, "num_graphs", None) or extract_batch_size(batch)

    def on_train_epoch_end(self) -> None:
        """Log the tracked values."""
        # They are equal in all processes; Lightning warns unless it is told to take their mean.
        self.log_dict(self.tracked_values(), prog_bar=True, sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the class to load the checkpoint with, and no options of its base classes."""
        checkpoint["class_path"] = f"{type(self).__module__}.{type(self).__qualname__}"
        parameters = signature(type(self)).parameters
        if not any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
            options = checkpoint.get("hyper_parameters", {})
            # Those that begin with "_" are Lightning's own.
            own = {key: options[key] for key in options if key in parameters or key[:1] == "_"}
            checkpoint["hyper_parameters"] = own

    def summarize(self, recorder: "RunRecorder") -> dict[str, Any]:
        """Return the first and last value of each training curve and tracked value, and the times.

        The last tracked values are those of this module, whose weights are the ones that were kept.
        """
        values = {
            f"{name.removeprefix('train/')}_{end}": curve[index]
            for name, curve in recorder.curves.items()
            if not name.startswith("val/")
            for end, index in (("first", 0), ("last", -1))
        }
        values |= {f"{name}_first": value for name, value in recorder.first.items()}
        values |= {f"{name}_last": float(value) for name, value in self.tracked_values().items()}
        return {
            **{name: value if math.isfinite(value) else None for name, value in values.items()},
            "epochs": len(recorder.steps),
            "seconds": recorder.seconds,
            "validation_seconds": recorder.validating,
            "examples_per_second": recorder.examples / recorder.training,
        }

    def report(
        self, folder: Path, checkpoint: str, data: L.LightningDataModule, recorder: "RunRecorder"
    ) -> None:
        """Write what a finished run leaves in its folder: by default ``summary.json``.

        Args:
            folder: Folder of the run.
            checkpoint: Path of the kept weights, relative to it; this module has these weights.
            data: What the run was trained on.
            recorder: Curves and times of the run.
        """
        summary = {"checkpoint": checkpoint, **self.summarize(recorder)}
        with atomic_write(folder / "summary.json") as file:
            json.dump(summary, file, indent=2, allow_nan=False)
        print(f"all in {folder}")

    def add_members(self, modules: "Sequence[TaskModule]") -> None:
        """Predict together with the modules of further checkpoints.

        Raises:
            ValueError: if the task cannot, or one of them does not fit.
        """
        raise ValueError(
            f"Expected one checkpoint of {type(self).__name__} (got {len(modules) + 1})"
        )

    @classmethod
    def add_evaluate_arguments(cls, parser: ArgumentParser) -> None:
        """Add the arguments of ``evaluate`` for this task to those that all tasks have."""

    def evaluate(self, options: Namespace) -> Mapping[str, Scores]:
        """Return one row of scores per data set that the arguments name."""
        raise NotImplementedError

    @classmethod
    def add_predict_arguments(cls, parser: ArgumentParser) -> None:
        """Add the arguments of ``predict`` for this task to those that all tasks have."""

    def predict_lines(self, options: Namespace) -> Iterator[Sequence[str]]:
        """Yield predictions as lines of text, in batches; each batch is written at once."""
        raise NotImplementedError
