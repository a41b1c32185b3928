"""How long it takes: the tables of training and prediction, from each cell's own record."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.pools.tables import format_table, show
from benchmarks.transduction.cells import EPOCHS, INFLECTION_LANGUAGES, Cell, list_cells
from benchmarks.transduction.records import Record

UNTRAINED = ("stems", "prediction")
"""Tables about models that another cell has trained."""

TIMED = ("tagger", "ours")
"""Rows that are trained by steps."""

_WORDS = 10_000


def speed_table(records: Mapping[Cell, Record]) -> str:
    """One line a training at seed 0."""
    lines = []
    for cell in list_cells():
        if cell.table in ("speed", *UNTRAINED) or cell.row not in TIMED or cell.seed != 0:
            continue
        record = records.get(cell)
        name = f"{cell.table}, {cell.language}, {cell.size}: {cell.row}"
        lines.append([name, *(_times(record) if record else ["not run"] * 5)])
    head = ["", "epochs", "minutes", "examples/s in training", "words/s in prediction", "threads"]
    return format_table("Speed", head, lines)


def total_time(records: Mapping[Cell, Record]) -> str:
    """Say how long everything that was run took to train, and how much was not."""
    cells = list_cells()
    missing = sum(cell not in records for cell in cells)
    trained = [r for cell, r in records.items() if cell.table not in UNTRAINED]
    hours = sum(record.seconds for record in trained) / 3600
    return (
        f"Of {len(cells)} cells, {missing} are not run. To fit the {len(trained)} that are fitted "
        f"took {hours:.1f} hours, added up (threads: {_threads([trained])})."
    )


def epoch_table(records: Mapping[Cell, Record]) -> str:
    """What an epoch of the largest training sets of inflection takes, without validation."""
    names = {
        "ours": "training through the exact expectation",
        "one_merge": "training through one merge of each word, drawn",
    }
    lines = []
    for row in EPOCHS:
        found = [
            [r for cell, r in records.items() if cell[:4] == ("speed", language, "high", row)]
            for language in INFLECTION_LANGUAGES
        ]
        rates = [[r.examples_per_second for r in each if r.examples_per_second] for each in found]
        times = [_spread([_WORDS / rate for rate in each], ".1f") for each in rates]
        lines.append([names[row], *times, _threads(found)])
    title = f"Inflection 2018, high: seconds an epoch of {_WORDS:,} words; {_SPREAD.format('runs')}"
    return format_table(title, _HEAD, lines)


def prediction_table(records: Mapping[Cell, Record]) -> str:
    """Words a second that the models of these training sets predict, trained to the end."""
    found = [
        [r] if (r := records.get(Cell("prediction", language, "high", "ours"))) else []
        for language in INFLECTION_LANGUAGES
    ]
    rates = [_spread([rate for r in each for rate in r.setting["rates"]], ".0f") for each in found]
    title = f"Inflection 2018, high: words a second in prediction; {_SPREAD.format('passes')}"
    return format_table(title, _HEAD, [["ours", *rates, _threads(found)]])


_SPREAD = "median of all {}, least to most"
_HEAD = ["", *INFLECTION_LANGUAGES, "threads"]


def _spread(values: Sequence[float], form: str) -> str:
    """Write a median and what it is the median of.

    >>> _spread([2.0], ".0f"), _spread([5.0, 1.0, 2.0], ".0f"), _spread([], ".0f")
    ('2', '2 (1 to 5)', 'not run')
    """
    if not values:
        return "not run"
    around = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{around}"


def _threads(found: Sequence[Sequence[Record]]) -> str:
    return ", ".join(sorted({str(r.threads) for each in found for r in each})) or "-"


def _times(record: Record) -> list[str]:
    return [
        show(record.epochs, ".0f"),
        f"{record.seconds / 60:.1f}",
        show(record.examples_per_second, ".0f"),
        f"{record.words_per_second:.0f}",
        str(record.threads),
    ]
