"""The cells of all tables: one training or one evaluation each."""

from typing import NamedTuple

INFLECTION_LANGUAGES = ("english", "german", "turkish", "finnish")
INFLECTION_SIZES = ("low", "medium", "high")
G2P_LANGUAGES = ("fre", "hun", "dut", "kor")
CORPORA = ("german-ridges", "icelandic-icepahc")
SEEDS = (0, 1, 2)

FLOORS = {"inflection": "suffix_table", "normalisation": "look_up"}
"""Row of each table that needs no training."""

BASELINES = (*FLOORS.values(), "tagger")
"""Rows without the text model."""

VARIANTS = ("without_pool", "fixed_threshold")
"""Rows of the text model other than "ours"."""

EPOCHS = ("ours", "one_merge")
"""Rows whose training is timed over one epoch of the largest training sets, once per seed."""

DEFAULT = ("questions", "kindergarten", "all")
"""The task that ``fit`` trains on by default; only the table of times has it."""

LOW, MEDIUM, HIGH = (
    [("inflection", language, size) for language in INFLECTION_LANGUAGES]
    for size in INFLECTION_SIZES
)

TASKS = (
    *LOW,
    *MEDIUM,
    ("maths", "curriculum", "all"),
    *(("g2p", language, "all") for language in G2P_LANGUAGES),
    *HIGH,
    *(("normalisation", corpus, "25000") for corpus in CORPORA),
    *(("normalisation", corpus, "all") for corpus in CORPORA),
)
"""Table, language and size of all tasks; those that train fastest come first."""


class Cell(NamedTuple):
    """One training, or one evaluation without training, and its scores."""

    table: str
    language: str
    size: str
    row: str
    seed: int = 0

    @property
    def name(self) -> str:
        """The name on the command line and in the records."""
        return "/".join(map(str, self))


def list_cells() -> list[Cell]:
    """List all cells in the order in which they are run: baselines, ours once, then the rest."""
    later_seeds = SEEDS[1:]
    return [
        *(Cell(*task, FLOORS[task[0]]) for task in TASKS if task[0] in FLOORS),
        *(Cell(*task, "tagger") for task in TASKS if task[0] != "g2p"),
        *(Cell(*task, "ours") for task in (DEFAULT, *TASKS)),
        *(Cell("stems", *task[1:], "ours") for task in (*LOW, *MEDIUM)),
        *(Cell("prediction", *task[1:], "ours") for task in HIGH),
        *(Cell(*task, row) for row in VARIANTS for task in MEDIUM),
        *(Cell("speed", *task[1:], row, seed) for seed in SEEDS for task in HIGH for row in EPOCHS),
        *(
            Cell(*task, row, seed)
            for seed in later_seeds
            for row in ("ours", *VARIANTS, "tagger")
            for task in MEDIUM
        ),
        # One of 450 words is worth 0.2 %, so a single run says little.
        *(Cell("g2p", name, "all", "ours", seed) for seed in later_seeds for name in G2P_LANGUAGES),
        # The smallest training sets are where merging is used most.
        *(Cell(*task, "without_pool", seed) for seed in SEEDS for task in LOW),
        *(
            Cell(*task, row, seed)
            for seed in later_seeds
            for row in ("ours", "tagger")
            for task in LOW
        ),
    ]


def find_cell(name: str) -> Cell:
    """Find a cell by its name.

    Raises:
        ValueError: if there is none.
    """
    for cell in list_cells():
        if cell.name == name:
            return cell
    raise ValueError(f"Expected 'name' to be that of a cell (got {name!r})")
