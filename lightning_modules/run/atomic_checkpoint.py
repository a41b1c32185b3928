"""Checkpoints that are complete or absent, with a checksum."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from lightning_modules.run.checkpoint import CHECKSUM
from lightning_modules.run.checksum import compute_checksum
from pyg_grapheme.atomic_write import atomic_path
from pyg_grapheme.typing import PathLikeStr


class AtomicCheckpointIO(TorchCheckpointIO):
    """Add a checksum to a checkpoint, write it under another name and rename it when complete.

    Lightning moves a file from the folder of temporary files, which copies it byte by byte where
    that is another file system: a kill meanwhile leaves half a checkpoint in place of the last one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: PathLikeStr, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint, which replaces an older one in one step."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        content = {name: value for name, value in checkpoint.items() if name != CHECKSUM}
        with atomic_path(path) as part:
            super().save_checkpoint(
                {**content, CHECKSUM: compute_checksum(content)}, part, storage_options
            )
