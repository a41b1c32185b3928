"""Score a checkpoint: ``python -m lightning_modules.evaluate --ckpt_path FILE [...]``."""

import argparse
import sys

from lightning_modules.errors import exit_on_input_error


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
    print_scores(module.evaluate(options))


if __name__ == "__main__":
    main()
