"""What there is to run: every number of every table, as a cell of its own."""

from typing import NamedTuple

INFLECTION_LANGUAGES = ("english", "german", "turkish", "finnish")
INFLECTION_SIZES = ("low", "medium", "high")
G2P_LANGUAGES = ("fre", "hun", "dut", "kor")
CORPORA = ("german-ridges", "icelandic-icepahc")
SEEDS = (0, 1, 2)

BASELINES = ("suffix_table", "look_up", "tagger")
"""Rows that are made here."""

VARIANTS = ("without_pool", "fixed_threshold")
"""Rows of the text model other than "ours"."""

EPOCHS = ("ours", "one_merge")
"""Rows that are timed on the largest training sets, over one epoch, once a seed."""

DEFAULT = ("questions", "kindergarten", "all")
"""What is trained on by default, in no table but that of the times."""


class Cell(NamedTuple):
    """One training, or none where there is nothing to train, and its scores."""

    table: str
    language: str
    size: str
    row: str
    seed: int = 0

    @property
    def name(self) -> str:
        """What it is called on the command line, and its file."""
        return "/".join(map(str, self))


def tasks() -> list[tuple[str, str, str]]:
    """List table, language and size of all tasks, what is quick to train on first."""
    return [
        *(("inflection", language, "low") for language in INFLECTION_LANGUAGES),
        *(("inflection", language, "medium") for language in INFLECTION_LANGUAGES),
        ("maths", "curriculum", "all"),
        *(("g2p", language, "all") for language in G2P_LANGUAGES),
        *(("inflection", language, "high") for language in INFLECTION_LANGUAGES),
        *(("normalisation", corpus, "25000") for corpus in CORPORA),
        *(("normalisation", corpus, "all") for corpus in CORPORA),
    ]


def list_cells() -> list[Cell]:
    """List all cells in the order in which they are run: baselines, ours once, then the rest."""
    floors = [Cell(*task, row) for task in tasks() if (row := _floor(task[0])) is not None]
    taggers = [Cell(*task, "tagger") for task in tasks() if task[0] != "g2p"]
    ours = [Cell(*task, "ours") for task in (DEFAULT, *tasks())]
    low, medium = (
        [("inflection", language, size) for language in INFLECTION_LANGUAGES]
        for size in ("low", "medium")
    )
    variants = [Cell(*task, row, SEEDS[0]) for row in VARIANTS for task in medium]
    epochs = [
        Cell("speed", language, "high", row, seed)
        for seed in SEEDS
        for language in INFLECTION_LANGUAGES
        for row in EPOCHS
    ]
    seeds = [
        Cell(*task, row, seed)
        for seed in SEEDS[1:]
        for row in ("ours", *VARIANTS, "tagger")
        for task in medium
    ]
    # Where there is little to learn from, merging is used most.
    fewest = [Cell(*task, "without_pool", seed) for seed in SEEDS for task in low]
    fewest += [
        Cell(*task, row, seed) for seed in SEEDS[1:] for row in ("ours", "tagger") for task in low
    ]
    # Of 450 words, one is worth 0.2 %: a single run says little.
    phones = [
        Cell("g2p", language, "all", "ours", seed)
        for seed in SEEDS[1:]
        for language in G2P_LANGUAGES
    ]
    stems = [Cell("stems", *task[1:], "ours") for task in (*low, *medium)]
    prediction = [Cell("prediction", name, "high", "ours") for name in INFLECTION_LANGUAGES]
    return [
        *floors,
        *taggers,
        *ours,
        *stems,
        *prediction,
        *variants,
        *epochs,
        *seeds,
        *phones,
        *fewest,
    ]


def _floor(table: str) -> str | None:
    """Name the row that needs no training, if the table has one."""
    return {"inflection": "suffix_table", "normalisation": "look_up"}.get(table)


def find_cell(name: str) -> Cell:
    """Find a cell by its name.

    Raises:
        ValueError: if there is none.
    """
    for cell in list_cells():
        if cell.name == name:
            return cell
    raise ValueError(f"Expected 'name' to be that of a cell (got {name!r})")
