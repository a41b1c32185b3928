"""Errors of the operating system that name their file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyg_grapheme.typing import PathLikeStr


@contextmanager
def name_errors(name: PathLikeStr) -> Iterator[None]:
    """Put a name into errors about a file that lack it, as those of reading and writing do.

    >>> with name_errors("words.tsv"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'words.tsv'
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(name)
        raise
