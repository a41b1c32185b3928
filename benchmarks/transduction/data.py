"""The four tasks, read as pairs of sequences of units.

The files are those of the shared tasks, as published; docs/data.md names their sources.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

from pyg_grapheme.text import (
    Example,
    generate_problems,
    normalize,
    read_examples,
    split_graphemes,
    split_units,
)
from pyg_grapheme.text.arithmetic import LEVELS, as_example

NORMALISATION_SIZES = {"25000": 25_000, "all": None}
"""Number of training tokens: the first lines that the preprocessing keeps; None is all."""


class Pair(NamedTuple):
    """One example of a task, in units: graphemes, letters or phones."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    tags: tuple[str, ...] = ()


class Splits(NamedTuple):
    """The splits of a task.

    Attributes:
        train: Pairs to train on.
        dev: Pairs to choose weights by; empty if a task has none.
        test: Pairs to report, by name; they choose nothing.
    """

    train: list[Pair]
    dev: list[Pair]
    test: dict[str, list[Pair]]


class Files(NamedTuple):
    """The files of a task."""

    train: Path
    dev: Path
    test: Path


def inflection_files(folder: Path, language: str, size: str) -> Files:
    """Return the files of SIGMORPHON 2018."""
    folder = folder / "sigmorphon2018_inflection" / language
    return Files(*(folder / f"{name}.tsv" for name in (f"train-{size}", "dev", "test")))


def g2p_files(folder: Path, language: str) -> Files:
    """Return the files of SIGMORPHON 2020."""
    folder = folder / "sigmorphon2020_g2p"
    return Files(*(folder / f"{language}_{name}.tsv" for name in ("train", "dev", "test")))


def normalisation_files(folder: Path, corpus: str) -> Files:
    """Return the files of the historical corpora."""
    folder = folder / "histnorm"
    return Files(*(folder / f"{corpus}.{name}.txt" for name in ("train", "dev", "test")))


def read_splits(folder: Path, table: str, language: str, size: str) -> Splits:
    """Read a task.

    Args:
        folder: Folder of all data.
        table: "inflection", "g2p", "normalisation" or "maths".
        language: Language, or corpus, of the table.
        size: Name of the size of the training set.
    """
    read: Callable[[Path], list[Pair]]
    if table == "inflection":
        files, read = inflection_files(folder, language, size), read_inflection
    elif table == "g2p":
        files, read = g2p_files(folder, language), read_g2p
    elif table == "normalisation":
        files = normalisation_files(folder, language)
        limit = NORMALISATION_SIZES[size]
        train, dev, test = (
            [in_graphemes(example) for example in read_examples(path, "historical")]
            for path in files
        )
        return Splits(train[:limit], dev, {"test": test})
    elif table == "maths":
        return read_maths(Path("conf/maths.yaml"))
    else:
        raise ValueError(f"Expected 'table' to be one of the four tasks (got {table!r})")
    return Splits(read(files.train), read(files.dev), {"test": read(files.test)})


def in_graphemes(example: Example) -> Pair:
    """Split both sides into graphemes."""
    source, target = (tuple(split_graphemes(normalize(text))) for text in example[:2])
    return Pair(source, target, example.tags)


def read_inflection(path: Path) -> list[Pair]:
    """Read lemmas, forms and features."""
    return [in_graphemes(example) for example in read_examples(path)]


def read_g2p(path: Path) -> list[Pair]:
    """Read words and their phones; letters are code points, a Hangul syllable several (NFD)."""
    return [
        Pair(tuple(split_units(word, "letters")), tuple(split_units(phones, "spaced")))
        for word, phones, _ in read_examples(path)
    ]


def read_maths(config: Path) -> Splits:
    """Generate the training problems of the config, and the test problems of each level.

    They equal those of ``lightning_modules.MathsDataModule``; no problem occurs twice.
    """
    options = yaml.safe_load(config.read_text(encoding="utf-8"))["data"]["init_args"]
    count, seed = options["train_count"], options.get("seed", 0)
    train, test = [], {}
    for level in options.get("levels") or LEVELS:
        problems = generate_problems(level, count + options["test_count"], seed)
        pairs = [in_graphemes(as_example(problem)) for problem in problems]
        train += pairs[:count]
        test[f"level_{level}"] = pairs[count:]
    return Splits(train, [], test)
