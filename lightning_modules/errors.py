"""Mistakes of the user, told in one line."""

import signal
import sys
from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from lightning_modules.option_errors import tell_option_error

_TRAIN, _TEXT = ("lightning", "jsonargparse", "torchmetrics"), ("regex", "rapidfuzz")
"""The packages that the extras "train" and "text" install."""

_OTHER = {
    "sklearn": "pip install 'pyg-grapheme[records]'",
    "pyarrow": "pip install pyarrow",
}
"""Commands that install the packages that only tables of records need."""

_LONGEST = 2000
"""Characters of a message: a file may have a line of a million."""


@contextmanager
def exit_on_input_error() -> Iterator[None]:
    """Print what is wrong with the input in one line and exit with status 2, without a traceback.

    A package that an extra would install counts as input. Wraps reading and checking, never
    computing: an error there is a bug, and its traceback says where.
    """
    try:
        yield
    except (ArgumentError, ValueError, OSError) as error:
        _exit(str(error), error)
    except ImportError as error:
        package = (error.name or "").split(".")[0]
        if package in _OTHER:
            _exit(f"the package '{package}' is not installed: {_OTHER[package]}", error)
        if package not in _TRAIN + _TEXT:
            raise
        # The extra "text" brings "train", too, and the text model is the default task.
        hint = " ([train] is enough without the text model)" if package in _TRAIN else ""
        install = f"pip install 'pyg-grapheme[text]'{hint}"
        _exit(f"the package '{package}' is not installed: {install}", error)
    except Exception as error:
        # Lightning's error about its own options; lightning may be missing, so it is not imported.
        if type(error).__name__ != "MisconfigurationException":
            raise
        _exit(str(error), error)


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Exit with status 130 at Ctrl-C, as shells expect it, without a traceback."""
    try:
        yield
    except KeyboardInterrupt as stop:
        print("interrupted", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from stop


def _exit(message: str, error: Exception) -> NoReturn:
    line = tell_option_error(message)
    shown = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    print(f"error: {shown}", file=sys.stderr)
    raise SystemExit(2) from error
