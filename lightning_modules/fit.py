"""Train: ``python -m lightning_modules.fit [--config FILE] [--model.lr 1e-3 ...]``."""

import sys
import warnings
from pathlib import Path

from lightning_modules.cli import make_cli
from lightning_modules.errors import reported
from lightning_modules.report import report_run
from lightning_modules.run.resume import expect_same_run


def main(arguments: list[str] | None = None) -> None:
    """Train as the configuration says; without any, on the bundled kindergarten questions."""
    # Lightning asks torch in a way that torch is about to drop: nothing that a user could mend.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
    with reported():
        cli = make_cli(sys.argv[1:] if arguments is None else arguments)
        if cli.trainer.is_global_zero and cli.trainer.log_dir is not None:
            Path(cli.trainer.log_dir).mkdir(parents=True, exist_ok=True)
        if cli.ckpt_path is not None:
            print(f"going on from {cli.ckpt_path}")
            callbacks = cli.trainer.callbacks  # type: ignore[attr-defined]  # set elsewhere
            expect_same_run(cli.model, callbacks, cli.ckpt_path)
    cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=cli.ckpt_path, weights_only=True)
    report_run(cli.trainer, cli.datamodule, cli.recorder)


if __name__ == "__main__":
    main()
