"""Mistakes of the user, told in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reported() -> Iterator[None]:
    """Print what is wrong with the input and exit with status 2, without a traceback.

    Wraps reading and checking, never the computing: an error there is a bug and shows where it is.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
