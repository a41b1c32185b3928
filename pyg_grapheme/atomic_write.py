"""Files that are complete or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TextIO, TypeVar

from pyg_grapheme.named_errors import name_errors
from pyg_grapheme.typing import PathLikeStr

File = TypeVar("File", bound=IO[Any])


@contextmanager
def atomic_path(path: PathLikeStr) -> Iterator[Path]:
    """Yield another path to write to, which is renamed to ``path`` when all is written.

    A symbolic link stays one: its target is replaced.

    Raises:
        FileNotFoundError: if there is no folder to write into.
        OSError: if it cannot be written, as on a full disk; names it.
    """
    target = Path(os.path.realpath(path))  # Unlike resolve(), it takes a link to itself as it is.
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: expected a folder {target.parent} (got none)")
    part = target.with_name(target.name + ".part")
    try:
        with name_errors(path):
            yield part
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: PathLikeStr) -> Iterator[TextIO]:
    """Open a text file for writing; it appears under its name only when it is complete."""
    with (
        atomic_path(path) as part,
        close_once(part.open("w", encoding="utf-8", newline="")) as file,
    ):
        yield file


@contextmanager
def close_once(file: File) -> Iterator[File]:
    """Close a file. After an error, closing it raises no second one, as a full disk would."""
    try:
        yield file
    except BaseException:
        with suppress(OSError):
            file.close()
        raise
    file.close()
