"""The checkpoints of a run."""

import os
import warnings
from typing import Any

from lightning import LightningModule, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """Keep the best weights, or the newest if nothing is monitored.

    Unlike Lightning's, it finds its files in a folder that was moved, does without those that were
    not, and restores all of its state.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the folder, which is not empty if a run is resumed."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Checkpoint directory .* is not empty")
            super().setup(trainer, pl_module, stage)

    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse a metric of validation that there is not, before anything is trained.

        Raises:
            MisconfigurationException: if validation has run, and has no such metric.
        """
        known = [name for name in trainer.callback_metrics if name.startswith("val/")]
        monitor = self.monitor or ""
        if monitor.startswith("val/") and known and monitor not in known:
            raise MisconfigurationException(
                f"Expected '--checkpoint.monitor' to be one of {', '.join(map(repr, known))} "
                f"(got {monitor!r})"
            )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the scores and files of the resumed run."""

        def here(path: str) -> str:
            return os.path.join(self.dirpath or "", os.path.basename(path)) if path else path

        if not os.path.isfile(here(state_dict["best_model_path"])):
            return  # The checkpoint alone was copied: the best weights are those to come.
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
        # Lightning saves it and does not restore it.
        self.current_score = state_dict["current_score"]


class LastCheckpoint(RunCheckpoint):
    """Keep ``last.ckpt``, the state after the last whole epoch, to resume the run from.

    It is written after all other callbacks have finished the epoch, so that it holds their state.
    """

    def __init__(self) -> None:
        super().__init__(
            filename=self.CHECKPOINT_NAME_LAST,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
