"""Question/answer pairs that travel with the package, as JSON lines.

``kindergarten.jsonl`` is what ``python -m lightning_modules.fit`` trains on;
``kindergarten_unseen.jsonl`` asks the same kinds of question about nouns that are not in it.
"""

from importlib.resources import files
from pathlib import Path

PREFIX = "bundled:"


def resolve_path(path: str) -> Path:
    """Find a file given by its path, or by ``bundled:`` and its name if it is one of these.

    Raises:
        FileNotFoundError: if nothing of that name is bundled, with the names that are.
    """
    if not path.startswith(PREFIX):
        return Path(path)
    folder = Path(str(files(__name__)))
    name = path.removeprefix(PREFIX)
    names = sorted(file.name for file in folder.glob("*.jsonl"))
    if name not in names:
        raise FileNotFoundError(f"{path}: expected one of {', '.join(PREFIX + n for n in names)}")
    return folder / name
