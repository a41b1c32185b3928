"""The four tasks, read as pairs of sequences of units.

The files are those of the shared tasks, as published; docs/data.md names their sources.
"""

from pathlib import Path
from typing import NamedTuple

import yaml

from pyg_grapheme.text import (
    Example,
    TextUnits,
    choose_form,
    generate_problems,
    read_examples,
)
from pyg_grapheme.text.arithmetic import LEVELS, as_example
from pyg_grapheme.text.typing import PreprocessName, UnitsName

NORMALISATION_SIZES = {"25000": 25_000, "all": None}
"""Number of training tokens: the first lines that the preprocessing keeps; None is all."""


class Pair(NamedTuple):
    """One example of a task, in units."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    tags: tuple[str, ...] = ()


class Splits(NamedTuple):
    """The splits of a task.

    Attributes:
        source: Units of the sources, chosen by the training set as for the text model.
        target: Units of the targets.
        train: Pairs to train on.
        dev: Pairs to choose weights by; empty if a task has none.
        test: Pairs to report, by name; they choose nothing.
    """

    source: TextUnits
    target: TextUnits
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
    target: UnitsName = "codepoints"
    if table == "inflection":
        examples = read_files(inflection_files(folder, language, size))
    elif table == "g2p":
        examples, target = read_files(g2p_files(folder, language)), "whitespace"
    elif table == "normalisation":
        files = normalisation_files(folder, language)
        examples = read_files(files, "historical", NORMALISATION_SIZES[size])
    elif table == "maths":
        examples = generate_maths(Path("conf/maths.yaml"))
    else:
        raise ValueError(f"Expected 'table' to be one of the four tasks (got {table!r})")
    return split_examples(examples, target)


def read_files(
    files: Files, preprocess: PreprocessName = "none", limit: int | None = None
) -> dict[str, list[Example]]:
    """Read the examples of all splits, of the training set the first ones."""
    read = {name: read_examples(path, preprocess) for name, path in files._asdict().items()}
    return {**read, "train": read["train"][:limit]}


def split_examples(examples: dict[str, list[Example]], target: UnitsName) -> Splits:
    """Split the texts of all examples into code points, or the targets into other units."""
    train = examples["train"]
    units = (
        TextUnits("codepoints", choose_form(example.source for example in train)),
        TextUnits(target, choose_form(example.target for example in train)),
    )
    pairs = {
        name: [Pair(*_split(example, units), example.tags) for example in some]
        for name, some in examples.items()
    }
    return Splits(*units, pairs.pop("train"), pairs.pop("dev", []), pairs)


def _split(
    example: Example, units: tuple[TextUnits, TextUnits]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(units[0].split(example.source)), tuple(units[1].split(example.target))


def generate_maths(config: Path) -> dict[str, list[Example]]:
    """Generate the training problems of the config, and the test problems of each level.

    They equal those of ``lightning_modules.MathsDataModule``; no problem occurs twice.
    """
    options = yaml.safe_load(config.read_text(encoding="utf-8"))["data"]["init_args"]
    count, seed = options["train_count"], options.get("seed", 0)
    examples: dict[str, list[Example]] = {"train": []}
    for level in options.get("levels") or LEVELS:
        problems = generate_problems(level, count + options["test_count"], seed)
        own = [as_example(problem) for problem in problems]
        examples["train"] += own[:count]
        examples[f"level_{level}"] = own[count:]
    return examples
