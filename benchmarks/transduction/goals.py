"""Goals of the text model, set before its last changes, and the scores it reached."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from benchmarks.pools.tables import format_table
from benchmarks.transduction.cells import (
    CORPORA,
    G2P_LANGUAGES,
    HIGH_LANGUAGES,
    INFLECTION_LANGUAGES,
    Cell,
)
from benchmarks.transduction.published import INFLECTION
from benchmarks.transduction.records import Record, runs


class Goal(NamedTuple):
    """A word accuracy to exceed, or a word error rate to stay below, per language; in percent.

    Attributes:
        table: Table of the cells.
        size: Their size.
        row: Their row; of "ours" the mean over the seeds counts.
        values: The limits by language.
        relation: What is wanted: "above", "at least" or "below".
    """

    table: str
    size: str
    row: str
    values: dict[str, float]
    relation: str = "above"


def _by(languages: Sequence[str], *values: float) -> dict[str, float]:
    return dict(zip(languages, values, strict=True))


(_LOW,) = (bar for bar in INFLECTION["low"] if bar.name == "uzh-01")
_LOW_VALUES = {language: _LOW.values[language][0] for language in INFLECTION_LANGUAGES}
_SINGLE = _by(INFLECTION_LANGUAGES, 94.0, 80.1, 90.7, 80.0, 84.5, 97.6, 79.0)
_ENSEMBLE = _by(INFLECTION_LANGUAGES, 94.5, 80.1, 90.7, 82.8, 85.4, 98.0, 80.0)
GOALS = (
    Goal("inflection", "low", "ours", _LOW_VALUES),
    Goal("inflection", "low", "ensemble", _LOW_VALUES),
    Goal("inflection", "medium", "ours", _SINGLE),
    Goal("inflection", "medium", "ensemble", _ENSEMBLE),
    Goal("inflection", "high", "ours", _by(HIGH_LANGUAGES, 97.2, 90.3, 98.0, 93.5), "at least"),
    Goal("g2p", "all", "ensemble", _by(G2P_LANGUAGES, 5.11, 4.0, 13.56, 24.0), "below"),
    Goal("normalisation", "all", "ours", _by(CORPORA, 88.3, 88.0)),
)


def goals_table(records: Mapping[Cell, Record]) -> str:
    """Lay out what is reached of each goal, and by how much it is exceeded or missed."""
    lines = []
    for goal in GOALS:
        for language, wanted in goal.values.items():
            found = runs(records, goal.table, language, goal.size, goal.row)
            reached, judged = "not run", "-"
            if found:
                accuracy = 100 * fmean(record.scores["test"].accuracy for record in found)
                value = 100 - accuracy if goal.relation == "below" else accuracy
                reached, judged = f"{value:.2f}", judge(value, wanted, goal.relation)
            model = "ensemble" if goal.row == "ensemble" else "single models"
            name = f"{goal.table}, {language}, {goal.size}: {model}"
            lines.append([name, f"{goal.relation} {wanted:.2f}", reached, judged])
    title = "Goals: word accuracy, or error rate in grapheme to phoneme (g2p), %"
    return format_table(title, ["", "wanted", "reached", ""], lines)


def judge(value: float, wanted: float, relation: str) -> str:
    """Say whether a goal is met, and by how much.

    >>> judge(94.7, 94.0, "above"), judge(24.0, 24.0, "below"), judge(98.0, 98.0, "at least")
    ('+0.70', 'missed by 0.00', '+0.00')
    """
    margin = wanted - value if relation == "below" else value - wanted
    is_met = margin >= 0 if relation == "at least" else margin > 0
    return f"+{margin:.2f}" if is_met else f"missed by {abs(margin):.2f}"
