"""Predict: ``python -m lightning_modules.predict --ckpt_path FILE [TEXT ...]``."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from lightning_modules.errors import exit_on_input_error
from pyg_grapheme.atomic_write import atomic_write


def main(arguments: list[str] | None = None) -> None:
    """Write the predictions of a checkpoint's module, one per line, in the order of the input."""
    parser = argparse.ArgumentParser(prog="python -m lightning_modules.predict", allow_abbrev=False)
    parser.add_argument(
        "--output",
        metavar="FILE",
        default="-",
        help="file to write, all or nothing (default: -, standard output)",
    )
    with exit_on_input_error():
        from lightning_modules.load_command import load_command

        given = sys.argv[1:] if arguments is None else arguments
        module, options = load_command(parser, "predict", given)
        _expect_other_file(options)
    with _open_output(options.output) as output:
        written = 0
        for lines in module.predict_lines(options):
            with exit_on_input_error():
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
def _open_output(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdout.buffer
        return
    with ExitStack() as stack:
        with exit_on_input_error():
            if Path(path).is_dir():
                raise ValueError(f"{path}: expected a file to write (got a directory)")
            if Path(path).exists() and not Path(path).is_file():
                # A pipe or a device: no file may replace it.
                output: BinaryIO = stack.enter_context(open(path, "wb"))
            else:
                output = stack.enter_context(atomic_write(path)).buffer
        yield output


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
