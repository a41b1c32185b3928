"""Train: ``python -m lightning_modules.fit [--config FILE] [--model.lr 1e-3 ...]``."""

import sys
import warnings
from pathlib import Path

from lightning_modules.cli import make_cli
from lightning_modules.errors import reported
from lightning_modules.report import report_run


def main(arguments: list[str] | None = None) -> None:
    """Train as the configuration says; without any, on the bundled kindergarten questions."""
    # Lightning asks torch in a way that torch is about to drop: nothing that a user could mend.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
    with reported():
        cli = make_cli(sys.argv[1:] if arguments is None else arguments)
        if cli.trainer.log_dir is not None:
            Path(cli.trainer.log_dir).mkdir(parents=True, exist_ok=True)
    cli.trainer.fit(cli.model, cli.datamodule)
    report_run(cli.trainer, cli.datamodule, cli.recorder)


if __name__ == "__main__":
    main()
