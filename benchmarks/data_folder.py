"""The folder of the public data sets, which docs/data.md describes."""

import argparse
import os
from pathlib import Path

DATA = Path(os.environ.get("PYG_GRAPHEME_DATA", "data"))


def data_folder(path: str) -> Path:
    """Return the folder at a path, for ``add_argument(type=...)``; refuse one that is missing."""
    if not Path(path).is_dir():
        raise argparse.ArgumentTypeError(
            f"{path}: no such folder; PYG_GRAPHEME_DATA can name the folder of data (see "
            "docs/data.md)"
        )
    return Path(path)
