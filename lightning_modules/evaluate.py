"""Score a checkpoint: ``python -m lightning_modules.evaluate --ckpt_path FILE [...]``."""

import argparse
import sys

from lightning_modules.errors import exit_on_input_error, exit_on_interrupt
from pyg_grapheme.named_errors import name_errors


@exit_on_interrupt()
def main(arguments: list[str] | None = None) -> None:
    """Print the scores that the module of a checkpoint reaches, one row per data set."""
    parser = argparse.ArgumentParser(
        prog="python -m lightning_modules.evaluate", allow_abbrev=False
    )
    with exit_on_input_error():
        from lightning_modules.load_command import load_command
        from lightning_modules.report.scores import print_scores

        given = sys.argv[1:] if arguments is None else arguments
        module, options = load_command(parser, "evaluate", given)
    scores = module.evaluate(options)
    with exit_on_input_error(), name_errors("standard output"):
        print_scores(scores)


if __name__ == "__main__":
    main()
