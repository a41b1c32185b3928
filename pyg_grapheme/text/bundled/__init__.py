"""Examples that travel with the package.

* ``english.tsv``: 1,000 forms of English verbs, which ``python -m lightning_modules.fit`` trains
  on; ``english_unseen.tsv``: 500 forms of other verbs. ``LICENSE-english.txt`` says where they
  come from.
* ``kindergarten.jsonl``: 40 questions and answers; ``kindergarten_unseen.jsonl``: the same kinds of
  question about other nouns.
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
    names = sorted(file.name for file in folder.iterdir() if file.suffix in (".jsonl", ".tsv"))
    if name not in names:
        raise FileNotFoundError(f"{path}: expected one of {', '.join(PREFIX + n for n in names)}")
    return folder / name
