"""Train: ``python -m lightning_modules.fit [--config FILE] [--model.lr 1e-3 ...]``."""

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_modules.errors import exit_on_input_error, exit_on_interrupt

if TYPE_CHECKING:
    from lightning_modules.cli import FitCLI


@exit_on_interrupt()
def main(arguments: list[str] | None = None) -> None:
    """Train as the configuration says; without any, on the bundled English forms."""
    # Lightning calls a function that torch has deprecated; users cannot change that.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
    with exit_on_input_error():
        from lightning.fabric.utilities.exceptions import MisconfigurationException
        from lightning.pytorch.utilities.exceptions import SIGTERMException

        from lightning_modules.cli import make_cli
        from lightning_modules.run.checkpoint import expect_finite_weights, expect_hyperparameters
        from lightning_modules.run.resume import expect_same_run

        cli = make_cli(sys.argv[1:] if arguments is None else arguments)
        expect_hyperparameters(cli.model)
        if cli.trainer.is_global_zero and cli.trainer.log_dir is not None:
            Path(cli.trainer.log_dir).mkdir(parents=True, exist_ok=True)
        if cli.ckpt_path is not None:
            print(f"resuming from {cli.ckpt_path}")
            callbacks = cli.trainer.callbacks  # type: ignore[attr-defined]  # set elsewhere
            expect_same_run(cli.model, callbacks, cli.ckpt_path)
    try:
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=cli.ckpt_path, weights_only=True)
        report_run(cli)
    except ValueError:
        with exit_on_input_error():
            expect_finite_weights(cli.model.state_dict(), "training has diverged")
        raise
    except SIGTERMException as stop:
        # Its status is 0, as if the run were over.
        raise SystemExit(128 + signal.SIGTERM) from stop
    except (OSError, MisconfigurationException):
        with exit_on_input_error():  # The disk is full, or no such metric can be monitored.
            raise


def report_run(cli: "FitCLI") -> None:
    """Let the module report on its run, with the weights of the checkpoint that was kept."""
    from lightning_modules.run.checkpoint import KEPT, load_module

    trainer, recorder = cli.trainer, cli.recorder
    log_dir = trainer.log_dir  # Communicates with all processes, as does saving a checkpoint.
    if log_dir is None:
        return
    folder, checkpoint = Path(log_dir), ""
    if recorder.steps:
        checkpoint = getattr(trainer.checkpoint_callback, "best_model_path", "")
        if not checkpoint:
            # The run was shorter than one round of validation, or has no checkpoint callback.
            checkpoint = str(folder / KEPT)
            trainer.save_checkpoint(checkpoint, weights_only=False)
    if not trainer.is_global_zero:
        return
    if not checkpoint:
        print("no epoch was trained: nothing to report")
        return
    with exit_on_input_error():
        module = load_module(checkpoint)
    module.report(folder, os.path.relpath(checkpoint, folder), cli.datamodule, recorder)


if __name__ == "__main__":
    main()
