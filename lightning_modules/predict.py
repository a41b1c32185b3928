"""Rewrite texts: ``python -m lightning_modules.predict --ckpt_path FILE TEXT ...``."""

import argparse
import sys

from lightning_modules.checkpoint import load_module
from lightning_modules.errors import reported


def main(arguments: list[str] | None = None) -> None:
    """Print one rewritten text a line for each text given, in order."""
    parser = argparse.ArgumentParser(prog="python -m lightning_modules.predict")
    parser.add_argument("--ckpt_path", required=True, help="checkpoint of a run")
    parser.add_argument("--tags", default="", help='tags for all texts, such as "V;PST"')
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="default: lines of standard input")
    options = parser.parse_args(arguments)
    with reported():
        texts = options.texts or sys.stdin.read().splitlines()
        module = load_module(options.ckpt_path)
        tags = tuple(tag for tag in options.tags.split(";") if tag)
        rewritten = module(texts, [tags] * len(texts))
    for text in rewritten:
        print(text)


if __name__ == "__main__":
    main()
