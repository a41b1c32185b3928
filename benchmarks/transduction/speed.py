"""How long it takes: the tables of training and prediction, from each cell's own record."""

from collections.abc import Mapping

from benchmarks.pools.tables import format_table, show
from benchmarks.transduction.cells import EPOCHS, INFLECTION_LANGUAGES, Cell, list_cells
from benchmarks.transduction.records import Record

TIMED = ("tagger", "ours")
"""Rows that are trained by steps."""

_WORDS = 10_000


def speed_table(records: Mapping[Cell, Record]) -> str:
    """One line a training at seed 0."""
    lines = []
    for cell in list_cells():
        if cell.table in ("speed", "stems") or cell.row not in TIMED or cell.seed != 0:
            continue
        record = records.get(cell)
        name = f"{cell.table}, {cell.language}, {cell.size}: {cell.row}"
        lines.append([name, *(_times(record) if record else ["not run"] * 5)])
    head = ["", "epochs", "minutes", "examples/s in training", "words/s in prediction", "threads"]
    return format_table("Speed", head, lines)


def total_time(records: Mapping[Cell, Record]) -> str:
    """Say how long everything that was run took to train, and how much was not."""
    cells = list_cells()
    hours = sum(record.seconds for record in records.values()) / 3600
    missing = sum(cell not in records for cell in cells)
    return (
        f"To train {len(cells) - missing} of {len(cells)} cells took {hours:.1f} hours on as many "
        f"threads as the last table says; {missing} are not run."
    )


def epoch_table(records: Mapping[Cell, Record]) -> str:
    """What an epoch of the largest training sets of inflection takes, without validation."""
    names = {
        "ours": "training through the exact expectation",
        "one_merge": "training through one merge of each word, drawn",
    }
    lines = []
    for row in EPOCHS:
        found = [records.get(Cell("speed", name, "high", row)) for name in INFLECTION_LANGUAGES]
        lines.append(
            [
                names[row],
                *(f"{_WORDS / r.examples_per_second:.0f}" if r else "not run" for r in found),
            ]
        )
        lines[-1].append(", ".join(sorted({str(r.threads) for r in found if r})) or "-")
    title = f"Inflection 2018, high: seconds an epoch of {_WORDS:,} words"
    return format_table(title, ["", *INFLECTION_LANGUAGES, "threads"], lines)


def _times(record: Record) -> list[str]:
    return [
        show(record.epochs, ".0f"),
        f"{record.seconds / 60:.1f}",
        show(record.examples_per_second, ".0f"),
        f"{record.words_per_second:.0f}",
        str(record.threads),
    ]
