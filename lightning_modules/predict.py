"""Rewrite texts: ``python -m lightning_modules.predict --ckpt_path FILE [TEXT ...]``."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from lightning_modules.errors import reported
from lightning_modules.module import TransformModule
from lightning_modules.requests import (
    Request,
    read_batches,
    requests_of_examples,
    requests_of_lines,
    requests_of_texts,
)
from lightning_modules.run.checkpoint import load_module
from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.text import read_examples, split_units
from pyg_grapheme.text.bundled import resolve_path
from pyg_grapheme.text.readers.text_input import STANDARD_INPUT, open_text


def main(arguments: list[str] | None = None) -> None:
    """Write one rewritten text a line for each text given, in order.

    Texts are arguments, or lines of a file or of standard input; each batch is answered as soon as
    it is full, or the input ends. An empty text is answered by an empty line. Of examples, in any
    format that one can train on, the inputs are rewritten, a line each.
    """
    options = _parse(arguments)
    with ExitStack() as stack:
        with reported():
            module = load_module(options.ckpt_path)
            output = stack.enter_context(_open_output(options.output))
            if options.texts:
                requests = requests_of_texts(options.texts, options.tags)
            elif options.format == "examples":
                name = options.input or STANDARD_INPUT
                examples = read_examples(resolve_path(name), module.preprocess)
                requests = requests_of_examples(name, examples, options.tags)
            else:
                name, lines = stack.enter_context(open_text(options.input or STANDARD_INPUT))
                requests = requests_of_lines(name, lines, options.tags)
        for batch in read_batches(requests, options.batch_size):
            answers = rewrite(module, batch)
            with reported():
                _write(output, batch, answers)


def rewrite(module: TransformModule, requests: Sequence[Request]) -> list[str]:
    """Answer requests, all in one batch; what holds no unit is answered by the empty text."""
    units, form = module.net.source_units, module.net.form
    asked = [i for i, r in enumerate(requests) if split_units(r.text, units, form)]
    answers = [""] * len(requests)
    if asked:
        texts, tags = [requests[i].text for i in asked], [requests[i].tags for i in asked]
        for i, answer in zip(asked, module(texts, tags), strict=True):
            answers[i] = answer
    return answers


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lightning_modules.predict",
        description="Rewrite texts, one a line. A line is a text, or a text, a tab and tags.",
        allow_abbrev=False,
    )
    parser.add_argument("--ckpt_path", required=True, help="checkpoint of a run")
    parser.add_argument("--tags", default="", help='tags for all texts, such as "V;PST"')
    parser.add_argument("--input", metavar="FILE", help="lines to rewrite (default: -, stdin)")
    parser.add_argument(
        "--format",
        choices=["lines", "examples"],
        default="lines",
        help="what the input is: lines to rewrite, or examples in any format that fit takes",
    )
    parser.add_argument(
        "--output", metavar="FILE", default="-", help="written whole or not at all (default: -)"
    )
    parser.add_argument("--batch_size", type=int, default=512, help="lines to answer at a time")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="instead of lines of an input")
    options = parser.parse_args(arguments)
    if options.batch_size < 1:
        parser.error(f"Expected '--batch_size' to be at least 1 (got {options.batch_size})")
    if options.texts and options.format != "lines":
        parser.error("Expected '--format examples' to come with an input (got texts)")
    if options.texts and options.input is not None:
        parser.error(f"Expected texts or '--input', not both (got {options.input} and texts)")
    return options


@contextmanager
def _open_output(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdout.buffer
        return
    if Path(path).is_dir():
        raise ValueError(f"{path}: expected a file to write (got a directory)")
    if Path(path).exists() and not Path(path).is_file():
        # A pipe or a device, which no file may take the place of.
        with open(path, "wb") as stream:
            yield stream
        return
    with atomic_write(path) as file:
        yield file.buffer


def _write(output: BinaryIO, requests: Sequence[Request], answers: Sequence[str]) -> None:
    try:
        for request, answer in zip(requests, answers, strict=True):
            if "\n" in answer or "\r" in answer:
                raise ValueError(
                    f"{request.where}: expected an answer of one line (got {answer!r})"
                )
            output.write(f"{answer}\n".encode())
        output.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough. What is still buffered must not be sent after them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
