"""Scores as text, whatever the task."""

import sys
from collections.abc import Mapping

from lightning_modules.modules.task_module import Scores


def score_heading(name: str) -> str:
    """Return the column heading of a score.

    >>> score_heading("exact_match"), score_heading("coarsening_ratio")
    ('exact match', 'C/N')
    """
    return "C/N" if name == "coarsening_ratio" else name.replace("_", " ")


def format_score(name: str, value: float | None) -> str:
    """Return a score as text: counts as integers, rates as percentages, the rest as decimals.

    >>> format_score("exact_match", 0.925), format_score("edit_distance", 0.5)
    ('92.50 %', '0.500')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.2%}".replace("%", " %") if _is_share(name) else f"{value:.3f}"


def _is_share(name: str) -> bool:
    return name.endswith(("_match", "_rate", "accuracy"))


def print_scores(rows: Mapping[str, Scores]) -> None:
    """Print a table with one row per data set and one column per score."""
    names = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    table = [["split", *map(score_heading, names)]]
    table += [
        [row, *(format_score(name, scores.get(name)) for name in names)]
        for row, scores in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join([f"{first:<{widths[0]}}", *cells]))
    sys.stdout.flush()
