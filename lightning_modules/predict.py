"""Predict: ``python -m lightning_modules.predict --ckpt_path FILE [TEXT ...]``."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from lightning_modules.errors import exit_on_input_error, exit_on_interrupt
from pyg_grapheme.atomic_write import atomic_write, close_once
from pyg_grapheme.named_errors import name_errors

STANDARD_OUTPUT = "-"
"""The path that means standard output."""


@exit_on_interrupt()
def main(arguments: list[str] | None = None) -> None:
    """Write the predictions of a checkpoint's module, one per line, in the order of the input."""
    parser = argparse.ArgumentParser(prog="python -m lightning_modules.predict", allow_abbrev=False)
    parser.add_argument(
        "--output",
        metavar="FILE",
        default=STANDARD_OUTPUT,
        help="file to write, all or nothing (default: -, standard output)",
    )
    with exit_on_input_error():
        from lightning_modules.load_command import load_command

        given = sys.argv[1:] if arguments is None else arguments
        module, options = load_command(parser, "predict", given)
        _expect_other_file(options)
    name = "standard output" if options.output == STANDARD_OUTPUT else options.output
    with _open_output(options.output, name) as output:
        written = 0
        for lines in module.predict_lines(options):
            with exit_on_input_error(), name_errors(name):
                _write(output, lines, written)
            written += len(lines)


def _expect_other_file(options: argparse.Namespace) -> None:
    """Refuse to replace a file that is read."""
    output = options.output
    for name, value in vars(options).items():
        for path in value if isinstance(value, list) else [value]:
            # A text may be too long for the name of a file: os.path says that it is none.
            is_read = name != "output" and isinstance(path, str) and os.path.isfile(path)
            if is_read and os.path.isfile(output) and os.path.samefile(output, path):
                raise ValueError(f"Expected '--output' not to be a file that is read (got {path})")


@contextmanager
def _open_output(path: str, name: str) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        with exit_on_input_error():
            output = _enter_output(path, stack)
        yield output
        with exit_on_input_error(), name_errors(name):
            stack.close()


def _enter_output(path: str, stack: ExitStack) -> BinaryIO:
    if path == STANDARD_OUTPUT:
        if sys.stdout is None:
            raise ValueError("Expected a standard output, or '--output' (got neither)")
        return sys.stdout.buffer
    if os.path.isdir(path):
        raise ValueError(f"{path}: expected a file to write (got a directory)")
    if os.path.exists(path) and not os.path.isfile(path):
        # A pipe or a device: no file may replace it.
        return stack.enter_context(close_once(open(path, "wb")))
    return stack.enter_context(atomic_write(path)).buffer


def _write(output: BinaryIO, lines: Sequence[str], written: int) -> None:
    try:
        for index, line in enumerate(lines, start=written + 1):
            if "\n" in line or "\r" in line:
                raise ValueError(f"prediction {index}: expected one line (got {line!r})")
            output.write(f"{line}\n".encode())
        output.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. What is still buffered must not be sent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
