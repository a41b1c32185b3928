"""Load what a run has learned."""

from pathlib import Path
from typing import Any

import torch

from lightning_modules.module import TransformModule
from pyg_grapheme.typing import PathLikeStr


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this model."""


def load_module(path: PathLikeStr) -> TransformModule:
    """Load a checkpoint for prediction, on the CPU, without running any code that is in it.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if it is damaged, or of another model.
    """
    checkpoint = read_checkpoint(path)
    options = checkpoint.get("hyper_parameters")
    if not isinstance(options, dict) or "vocabulary" not in options:
        raise CheckpointError(
            f"{path}: expected a checkpoint of TransformModule (got one of another model)"
        )
    known = {key: value for key, value in options.items() if not key.startswith("_")}
    try:
        module = TransformModule(**known)
        module.load_state_dict(checkpoint["state_dict"])
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path}: expected a checkpoint of TransformModule "
            f"(got one that does not fit: {reason})"
        ) from error
    return module.eval()


def read_checkpoint(path: PathLikeStr) -> dict[str, Any]:
    """Read what is in a checkpoint, without running any code that is in it.

    Raises:
        FileNotFoundError: if there is no such file.
        CheckpointError: if it is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # The unpickler of a damaged file raises whatever it stumbles on.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f"{path}: expected a checkpoint (got a damaged or foreign file: {reason})"
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(
            f"{path}: expected a checkpoint of TransformModule (got a {type(checkpoint).__name__})"
        )
    return checkpoint
