"""Checkpoints that are there whole or not at all."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from pyg_grapheme.atomic_write import whole_path
from pyg_grapheme.typing import PathLikeStr


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint under another name and rename it when it is complete.

    Lightning moves a file from the folder of temporary files, which copies it bit by bit where that
    is another file system: killed meanwhile, it leaves half a checkpoint in place of the last one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: PathLikeStr, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint that takes the place of an older one at once."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with whole_path(path) as part:
            super().save_checkpoint(checkpoint, part, storage_options)
