"""Files that are complete or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pyg_grapheme.typing import PathLikeStr


@contextmanager
def atomic_path(path: PathLikeStr) -> Iterator[Path]:
    """Yield another path to write to, which is renamed to ``path`` when all is written.

    A symbolic link stays one: its target is replaced.

    Raises:
        FileNotFoundError: if there is no folder to write into.
    """
    path = Path(path).resolve()
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: expected a folder {path.parent} (got none)")
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: PathLikeStr) -> Iterator[TextIO]:
    """Open a text file for writing; it appears under its name only when it is complete."""
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield file
