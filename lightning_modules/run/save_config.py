"""The configuration of a run in its folder."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from pyg_grapheme.atomic_write import atomic_write


class SaveConfig(SaveConfigCallback):
    """Write ``config.yaml`` atomically; a resumed run replaces it."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write it in the first process."""
        folder = trainer.log_dir  # Communicates with all processes.
        if not trainer.is_global_zero or folder is None or self.already_saved:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        with atomic_write(Path(folder) / self.config_filename) as file:
            file.write(self.parser.dump(self.config, skip_none=False))
        self.already_saved = True
