"""Draw the English forms that the package brings, from SIGMORPHON 2018.

python -m benchmarks.english_forms FOLDER
"""

import argparse
import random
from pathlib import Path

from benchmarks.data_folder import DATA, data_folder
from pyg_grapheme.text import bundled

SEED, TRAIN, UNSEEN = 0, 1000, 500


def draw_forms(folder: Path) -> tuple[list[str], list[str]]:
    """Return lines to train on, and lines to test on with none of their lemmas.

    Lines to test on come from the development file, the others from the large training file.
    """
    language = folder / "sigmorphon2018_inflection" / "english"
    train, dev = (
        (language / f"{split}.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
        for split in ("train-high", "dev")
    )
    chance = random.Random(SEED)
    unseen = chance.sample(dev, UNSEEN)
    lemmas = {_lemma(line) for line in unseen}
    return chance.sample([line for line in train if _lemma(line) not in lemmas], TRAIN), unseen


def _lemma(line: str) -> str:
    return line.split("\t")[0]


def main() -> None:
    """Write both files into the package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.english_forms", allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=data_folder, default=DATA, help="folder of data")
    target = Path(bundled.__file__).parent
    for name, lines in zip(
        ("english", "english_unseen"), draw_forms(parser.parse_args().folder), strict=True
    ):
        (target / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
