"""Tables of the time of training and prediction."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.pools.tables import format_table, show
from benchmarks.transduction.cells import EPOCHS, HIGH_LANGUAGES, Cell, list_cells
from benchmarks.transduction.records import Record, mark_dirty, runs

EVALUATIONS = ("stems", "prediction")
"""Tables about models that another cell has trained."""

TIMED = ("tagger", "ours", "ensemble")
"""Rows that are trained by gradient steps, and those that only predict."""

_WORDS = 10_000


def speed_table(records: Mapping[Cell, Record]) -> str:
    """Lay out one line per row, with the medians over its seeds."""
    lines = []
    for cell in list_cells():
        if cell.table in ("speed", *EVALUATIONS) or cell.row not in TIMED or cell.seed != 0:
            continue
        found = runs(records, *cell[:4])
        name = f"{cell.table}, {cell.language}, {cell.size}: {cell.row}"
        lines.append([name, *(_times(found) if found else ["not run"] * 5)])
    head = ["", "epochs", "minutes", "examples/s in training", "words/s in prediction", "threads"]
    title = "Speed, medians over all seeds; two runs at a time on two cores of several machines"
    return format_table(title, head, lines)


def total_time(records: Mapping[Cell, Record]) -> str:
    """Return the sum of the training times, and the number of cells that were not run."""
    cells = list_cells()
    missing = sum(cell not in records for cell in cells)
    trained = [record for record in records.values() if record.seconds > 0]
    hours = sum(record.seconds for record in trained) / 3600
    return (
        f"{missing} of {len(cells)} cells are not run. The {len(trained)} fitted cells took "
        f"{hours:.1f} hours in sum (threads: {_threads(trained)})."
    )


def epoch_table(records: Mapping[Cell, Record]) -> str:
    """Lay out the time of an epoch of the largest inflection sets, without validation."""
    names = {
        "ours": "training through the exact expectation",
        "one_merge": "training through one sampled merge per word",
    }
    lines = []
    for row in EPOCHS:
        found = [runs(records, "speed", language, "high", row) for language in HIGH_LANGUAGES]
        times = [
            _spread([_WORDS / r.examples_per_second for r in each if r.examples_per_second], ".1f")
            for each in found
        ]
        lines.append([names[row], *_line(times, found)])
    title = f"Inflection 2018, high: seconds per epoch of {_WORDS:,} words"
    return format_table(f"{title}; {_SPREAD.format('runs')}", _HEAD, lines)


def prediction_table(records: Mapping[Cell, Record]) -> str:
    """Lay out the words per second that the trained models of these sets predict."""
    cells = [Cell("prediction", language, "high", "ours") for language in HIGH_LANGUAGES]
    found = [[records[cell]] if cell in records else [] for cell in cells]
    rates = [_spread([rate for r in each for rate in r.setting["rates"]], ".0f") for each in found]
    title = f"Inflection 2018, high: words per second in prediction; {_SPREAD.format('passes')}"
    return format_table(title, _HEAD, [["ours", *_line(rates, found)]])


_SPREAD = "median of all {}, minimum to maximum"
_HEAD = ["", *HIGH_LANGUAGES, "threads"]


def _line(texts: Iterable[str], found: Sequence[Sequence[Record]]) -> list[str]:
    marked = [mark_dirty(text, each) for text, each in zip(texts, found, strict=True)]
    return [*marked, _threads(record for each in found for record in each)]


def _spread(values: Sequence[float], form: str) -> str:
    """Write the median and the range of some values.

    >>> _spread([2.0], ".0f"), _spread([5.0, 1.0, 2.0], ".0f"), _spread([], ".0f")
    ('2', '2 (1 to 5)', 'not run')
    """
    if not values:
        return "not run"
    around = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{around}"


def _threads(found: Iterable[Record]) -> str:
    return ", ".join(sorted({str(record.threads) for record in found})) or "-"


def _times(found: Sequence[Record]) -> list[str]:
    epochs = [record.epochs for record in found if record.epochs is not None]
    seconds, trained, predicted = (
        median(values)
        for values in zip(
            *((r.seconds, r.examples_per_second, r.words_per_second) for r in found), strict=True
        )
    )
    is_trained = trained > 0
    return [
        show(median(epochs) if epochs else None, ".0f"),
        mark_dirty(f"{seconds / 60:.1f}" if is_trained else "-", found),
        f"{trained:.0f}" if is_trained else "-",
        f"{predicted:.0f}",
        _threads(found),
    ]
