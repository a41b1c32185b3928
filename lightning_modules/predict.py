"""Rewrite texts: ``python -m lightning_modules.predict --ckpt_path FILE TEXT ...``."""

import argparse
import sys

from lightning_modules.checkpoint import load_module
from lightning_modules.errors import reported


def main(arguments: list[str] | None = None) -> None:
    """Print one rewritten text a line for each text given, in order."""
    parser = argparse.ArgumentParser(prog="python -m lightning_modules.predict", allow_abbrev=False)
    parser.add_argument("--ckpt_path", required=True, help="checkpoint of a run")
    parser.add_argument("--tags", default="", help='tags for all texts, such as "V;PST"')
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="default: lines of standard input")
    options = parser.parse_args(arguments)
    with reported():
        module = load_module(options.ckpt_path)
        texts = options.texts or sys.stdin.read().removesuffix("\n").split("\n")
        for number, text in enumerate(texts, start=1):
            if not text:
                raise ValueError(f"text {number}: expected at least one character (got '')")
    tags = tuple(tag for tag in options.tags.split(";") if tag)
    for text in module(texts, [tags] * len(texts)):
        print(text)


if __name__ == "__main__":
    main()
