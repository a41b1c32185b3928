"""Loading of checkpoints."""

import os
import warnings
from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.checksum import compute_checksum
from pyg_grapheme.typing import PathLikeStr

KEPT = "checkpoints/model.ckpt"
"""The weights of a run, in its folder."""

CHECKSUM = "sha256"
"""The key of the checksum of all else in a checkpoint."""


class CheckpointError(ValueError):
    """A file that is not an intact checkpoint of the expected model."""


def load_module(path: PathLikeStr) -> TaskModule:
    """Load the module of a checkpoint, or of a run by its folder, for evaluation and prediction.

    The module is on the CPU. The class that the checkpoint names is imported; no code inside the
    file runs.

    Raises:
        FileNotFoundError: if there is no such file, or the folder is not that of a run.
        CheckpointError: if it is damaged, holds NaN or infinite weights, or does not fit its class.
    """
    file = find_weights(os.fspath(path)) or Path(path)
    if file.is_dir():
        raise FileNotFoundError(f"{path}: a folder without {KEPT}")
    checkpoint = read_checkpoint(file)
    try:
        name, options = checkpoint["class_path"], checkpoint.get("hyper_parameters", {})
        module_class = load_class(name)
        known = {key: value for key, value in options.items() if not key.startswith("_")}
        module = module_class(**known)
        module.load_state_dict(checkpoint["state_dict"])
    except Exception as error:  # The class, or a module that it needs, raises what it likes.
        if isinstance(error, ImportError) and str(name).startswith("lightning_modules"):
            raise  # An extra is not installed.
        raise CheckpointError(
            f"{path}: expected a checkpoint of one of the task modules "
            f"(got one that does not fit: {shorten_error(error)})"
        ) from error
    return module.eval()


def find_weights(path: str) -> Path | None:
    """Return the checkpoint file that a path names, directly or as the folder of a run.

    The path may be any text: unlike those of pathlib, these checks take too long a name for none.
    """
    kept = os.path.join(path, KEPT)
    if os.path.isfile(kept):
        return Path(kept)
    return Path(path) if path.endswith(".ckpt") and os.path.isfile(path) else None


def load_class(class_path: str) -> type[TaskModule]:
    """Import the module class that a dotted path names; without dots, one of this package.

    Raises:
        ValueError: if there is none.
    """
    package, _, name = class_path.rpartition(".")
    try:
        loaded = getattr(import_module(package or "lightning_modules"), name)
    except (AttributeError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and not class_path.startswith(f"{error.name}"):
            raise  # The module exists, and needs another one that does not.
        raise ValueError(f"Expected a class of a module (got {class_path!r}: {error})") from error
    if not (isinstance(loaded, type) and issubclass(loaded, TaskModule)):
        raise ValueError(f"Expected a subclass of TaskModule (got {class_path!r})")
    return loaded


def read_checkpoint(path: PathLikeStr) -> dict[str, Any]:
    """Return the content of a checkpoint; no code inside the file runs.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if it is damaged, or holds NaN or infinite weights.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of what a foreign file may hold.
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # The unpickler of a damaged file raises whatever it stumbles on.
        raise CheckpointError(
            f"{path}: expected a checkpoint (got a damaged or foreign file: {shorten_error(error)})"
        ) from error
    if not isinstance(checkpoint, dict) or CHECKSUM not in checkpoint:
        raise CheckpointError(
            f"{path}: expected a checkpoint of a run (got a {type(checkpoint).__name__} "
            "without a checksum, made by another program or an older version)"
        )
    try:
        is_intact = checkpoint.pop(CHECKSUM) == compute_checksum(checkpoint)
    except (RuntimeError, NotImplementedError) as error:  # Also of a list that contains itself.
        raise CheckpointError(
            f"{path}: expected a checkpoint of a run "
            f"(got one with other values: {shorten_error(error)})"
        ) from error
    if not is_intact:
        raise CheckpointError(
            f"{path}: expected a checkpoint with its own checksum (got another: it is damaged)"
        )
    weights = checkpoint.get("state_dict")
    if not isinstance(weights, dict):
        raise CheckpointError(
            f"{path}: expected weights by name (got {type(weights).__name__} in 'state_dict')"
        )
    expect_finite_weights(weights, str(path))
    return checkpoint


def shorten_error(error: Exception) -> str:
    """Return the first line of a message, if it tells a user anything."""
    line = str(error).partition("\n")[0]
    # torch advises to run code that the file may hold; other messages are a number or a name.
    return "not the weights of a run" if "weights_only" in line or " " not in line else line


def expect_finite_weights(weights: Mapping[str, Tensor], source: str) -> None:
    """Refuse NaN and infinite weights, and what is no tensor.

    Raises:
        CheckpointError: if there are any; the message names the source and the first one.
    """
    for name, weight in weights.items():
        if not isinstance(weight, Tensor):
            if str(name).endswith("_extra_state"):
                continue  # PyTorch lets it be anything.
            raise CheckpointError(
                f"{source}: expected tensors (got {type(weight).__name__} in '{name}')"
            )
        if not weight.isfinite().all():
            raise CheckpointError(
                f"{source}: expected finite weights (got NaN or infinite ones in '{name}')"
            )


def expect_hyperparameters(module: L.LightningModule) -> None:
    """Refuse a module whose checkpoints could not be loaded.

    Raises:
        ValueError: if its constructor has parameters and does not call ``save_hyperparameters``.
    """
    if signature(type(module)).parameters and not module.hparams:
        raise ValueError(
            f"Expected {type(module).__name__} to call save_hyperparameters in its constructor, "
            "without which its checkpoints cannot be loaded (got no hyperparameters)"
        )
