"""The cells of all tables: one training or one evaluation each."""

from typing import NamedTuple

INFLECTION_LANGUAGES = ("english", "german", "turkish", "finnish", "hebrew", "hindi", "greek")
INFLECTION_SIZES = ("low", "medium", "high")
HIGH_LANGUAGES = INFLECTION_LANGUAGES[:4]
G2P_LANGUAGES = ("fre", "hun", "dut", "kor")
CORPORA = ("german-ridges", "icelandic-icepahc")
SEEDS = (0, 1, 2)
"""Seeds of what is timed."""

MEMBERS = {"inflection": (0, 1, 2, 3, 4), "g2p": (0, 1, 2, 3, 4), "normalisation": (0, 1, 2)}
"""Seeds of the models of an ensemble, by table."""

FLOORS = {"inflection": "suffix_table", "normalisation": "look_up"}
"""Row of each table that needs no training."""

BASELINES = (*FLOORS.values(), "tagger")
"""Rows without the text model."""

VARIANTS = {
    # English has next to no marks. Hebrew and Hindi have no case, and composition leaves their
    # marks alone.
    "graphemes": ("german", "turkish", "finnish", "hebrew", "hindi", "greek"),
    "composed": ("german", "turkish", "finnish", "greek"),
    "without_case": ("english", "german", "turkish", "finnish", "greek"),
}
"""Rows of the text model with other units or edits: the languages where they differ from "ours"."""

EPOCHS = ("ours", "one_merge")
"""Rows whose training is timed over one epoch of the largest training sets, once per seed."""

DEFAULT = ("questions", "kindergarten", "all")
"""The questions that can only be learned by heart; only the table of times has them."""

LOW, MEDIUM = (
    [("inflection", language, size) for language in INFLECTION_LANGUAGES]
    for size in INFLECTION_SIZES[:2]
)
HIGH = [("inflection", language, "high") for language in HIGH_LANGUAGES]
G2P = [("g2p", language, "all") for language in G2P_LANGUAGES]
ALL_TOKENS = [("normalisation", corpus, "all") for corpus in CORPORA]

ENSEMBLES = (*MEDIUM, *LOW, *G2P, *ALL_TOKENS)
"""Tasks with an ensemble; its cell needs the runs of its members, so it is next to them."""

TASKS = (
    *ENSEMBLES,
    ("maths", "curriculum", "all"),
    *HIGH,
    *(("normalisation", corpus, "25000") for corpus in CORPORA),
)
"""Table, language and size of all tasks."""


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
    """List all cells in the order in which they are run."""
    return [
        *(Cell(*task, FLOORS[task[0]]) for task in TASKS if task[0] in FLOORS),
        *(Cell(*task, "tagger") for task in TASKS if task[0] != "g2p"),
        *(cell for task in ENSEMBLES for cell in _members_and_ensemble(task)),
        *(Cell(*task, "ours") for task in (DEFAULT, *TASKS) if task not in ENSEMBLES),
        *(Cell("stems", *task[1:], "ours") for task in (*LOW, *MEDIUM)),
        *(Cell("prediction", *task[1:], "ours") for task in HIGH),
        # One seed: the deviations of "ours" say what a difference means.
        *(Cell(*task, "without_pool") for task in TASKS),
        *(
            Cell(*task, row)
            for row, languages in VARIANTS.items()
            for task in MEDIUM
            if task[1] in languages
        ),
        *(Cell("speed", *task[1:], row, seed) for seed in SEEDS for task in HIGH for row in EPOCHS),
    ]


def _members_and_ensemble(task: tuple[str, str, str]) -> list[Cell]:
    members = [Cell(*task, "ours", seed) for seed in MEMBERS[task[0]]]
    return [*members, Cell(*task, "ensemble")]


def differs(row: str, language: str) -> bool:
    """Return whether a row of a language is not the same as "ours"."""
    return language in VARIANTS.get(row, [language])


def find_cell(name: str) -> Cell:
    """Find a cell by its name.

    Raises:
        ValueError: if there is none.
    """
    for cell in list_cells():
        if cell.name == name:
            return cell
    raise ValueError(f"Expected 'name' to be that of a cell (got {name!r})")
