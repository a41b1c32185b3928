"""Files of data, named by a path inside a folder of data."""

import os
from pathlib import Path

from pyg_grapheme.text.bundled import PREFIX, resolve_path
from pyg_grapheme.text.readers.text_input import STANDARD_INPUT

VARIABLE = "PYG_GRAPHEME_DATA"
"""The environment variable that names the folder of data."""


def find_file(
    path: str, option: str, root: str | None = None, root_option: str | None = None
) -> Path:
    """Find a file by its path, absolute or relative to the folder of data.

    A relative path that is not in the folder of data is taken as it is, relative to the working
    directory; so is every one if there is no such folder. ``bundled:NAME`` is a file that comes
    with the package, "-" is standard input.

    Args:
        path: The path.
        option: The option that gave it, for the message.
        root: Folder of data; if None, the one that ``PYG_GRAPHEME_DATA`` names, if any.
        root_option: The option that gives this folder, for the message; None if there is none.

    Raises:
        FileNotFoundError: if there is no such file; the message names it, the option, and the page
            that says where the public data sets come from.
    """
    if path == STANDARD_INPUT or path.startswith(PREFIX):
        return resolve_path(path)
    folder = root or os.environ.get(VARIABLE)
    found = Path(folder or "", path)
    if found.exists() or Path(path).exists():
        return found if found.exists() else Path(path)
    by = VARIABLE + (f" or '{root_option}'" if root_option else "")
    here = "" if Path(path).is_absolute() else f", nor {path!r} here"
    hint = here if folder else f"; {by} can name the folder of data"
    raise FileNotFoundError(
        f"{found}: no such file, named by '{option}'{hint} (see docs/data.md for the public data)"
    )
