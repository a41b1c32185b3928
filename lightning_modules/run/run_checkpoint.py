"""Which weights of a run are kept."""

import os
import warnings
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """Keep the best weights, or the newest where nothing is monitored.

    Unlike Lightning's, it knows its files again in a folder that was moved meanwhile.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the folder, which is not empty where a run goes on."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Checkpoint directory .* is not empty")
            super().setup(trainer, pl_module, stage)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the scores and files of the run that was begun."""

        def here(path: str) -> str:
            return os.path.join(self.dirpath or "", os.path.basename(path)) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        best = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(
            {
                **state_dict,
                **{name: here(state_dict[name]) for name in paths},
                "best_k_models": best,
                "dirpath": self.dirpath,
            }
        )


class LastCheckpoint(RunCheckpoint):
    """Keep ``last.ckpt``, from which a run goes on: where it stood after its last whole epoch.

    It is written after all other callbacks have done with the epoch, so that it holds their state.
    """

    def __init__(self) -> None:
        super().__init__(
            filename=self.CHECKPOINT_NAME_LAST,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
