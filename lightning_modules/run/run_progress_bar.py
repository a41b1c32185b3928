"""The progress bar of a run."""

import sys
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm, convert_inf


class RunProgressBar(TQDMProgressBar):
    """Show one bar over all epochs; print a few lines instead if the output is no terminal.

    Args:
        lines: Number of lines.
    """

    def __init__(self, lines: int = 5) -> None:
        super().__init__()
        self.lines = lines

    @property
    def is_enabled(self) -> bool:
        """Whether a bar is shown."""
        return super().is_enabled and sys.stdout.isatty()

    def init_validation_tqdm(self) -> Tqdm:
        """Return a bar that is not shown."""
        return Tqdm(disable=True)

    init_sanity_tqdm = init_validation_tqdm

    def on_train_start(self, *_: Any) -> None:
        """Start the bar, after the steps that a resumed run has taken."""
        super().on_train_start()
        bar = self.train_progress_bar
        bar.total = convert_inf(self.trainer.estimated_stepping_batches)
        bar.initial = bar.n = self.trainer.global_step

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Show the number of the epoch."""
        self.train_progress_bar.set_description(f"epoch {trainer.current_epoch + 1}")

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Count the steps."""
        bar = self.train_progress_bar
        if bar.update(trainer.global_step - bar.n):
            bar.set_postfix(trainer.progress_bar_metrics, refresh=False)

    def on_train_epoch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Print a line after each of as many shares of the epochs."""
        before, epochs = trainer.current_epoch, trainer.max_epochs or 1
        passed = (before + 1) * self.lines // epochs > before * self.lines // epochs
        if passed and trainer.is_global_zero and not sys.stdout.isatty():
            values = [f"{name} {x:.3g}" for name, x in trainer.progress_bar_metrics.items()]
            print(f"epoch {before + 1} of {epochs}: {', '.join(values)}", flush=True)
