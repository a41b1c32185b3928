"""The tables of the report as HTML."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from lightning_modules.report.confusions import Repair, count_confusions
from lightning_modules.report.data import SplitResult
from lightning_modules.report.html_text import show_difference, show_unit, show_units
from lightning_modules.report.ranking import rank_mistakes
from lightning_modules.report.scores import format_score, score_heading


class _Column(NamedTuple):
    """Heading, class of the cells, and the cells as HTML."""

    heading: str
    kind: str
    cells: Sequence[str]


def _table(caption: str, columns: Sequence[_Column], kind: str = "") -> str:
    """Return a table; the cells of its first column are row headings."""
    head = "".join(f'<th scope="col" class="{c.kind}">{c.heading}</th>' for c in columns)
    rows = []
    for cells in zip(*(c.cells for c in columns), strict=True):
        row = [
            # On narrow screens the style sheet shows each cell with the heading of its column.
            f'<{tag} class="{c.kind}" data-heading="{c.heading}"><bdi>{cell}</bdi></{tag[:2]}>'
            for c, cell, tag in zip(
                columns, cells, ['th scope="row"'] + ["td"] * (len(cells) - 1), strict=True
            )
        ]
        rows.append(f"<tr>{''.join(row)}</tr>\n")
    return (
        f'<div class="wide"><table class="{kind}"><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody></table></div>\n"
    )


def score_table(splits: Mapping[str, SplitResult]) -> str:
    """Return all scores, one row per split."""
    names = dict.fromkeys(name for result in splits.values() for name in result.scores)
    columns = [_Column("split", "", [escape(split) for split in splits])]
    for name in names:
        cells = [format_score(name, result.scores.get(name)) for result in splits.values()]
        columns.append(_Column(escape(score_heading(name)), "number", cells))
    return _table("All splits", columns)


def confusion_table(split: str, result: SplitResult, gap: str, shown: int = 20) -> str:
    """Return the repairs that the predictions of a split need most often, with examples."""
    confusions = count_confusions((line.prediction, line.target) for line in result.lines)
    if not confusions:
        return f"<p>{escape(split)}: no prediction needs any repair.</p>\n"
    total = sum(confusion.times for confusion in confusions)
    top = confusions[:shown]
    lines = [result.lines[confusion.example] for confusion in top]
    pairs = [show_difference(line.prediction, line.target, gap) for line in lines]
    caption = (
        f"{escape(split)}: {_of(len(top), len(confusions), 'kinds of repair')}, {total} in all"
    )
    columns = [
        _Column("repair", "text", [_show_repair(c.repair) for c in top]),
        _Column("times", "", [_bar(c.times, top[0].times) for c in top]),
        _Column("example input", "text", [show_units(line.source, gap=gap) for line in lines]),
        *_pair_columns(pairs),
    ]
    return _table(caption, columns, "full")


def mistake_table(split: str, result: SplitResult, gap: str, shown: int = 50) -> str:
    """Return the predictions of a split with the most errors."""
    mistakes = rank_mistakes(result.lines)
    if not mistakes:
        return f"<p>{escape(split)}: all {len(result.lines)} predictions are right.</p>\n"
    top = mistakes[:shown]
    lines = [line for _, line in top]
    pairs = [show_difference(line.prediction, line.target, gap) for line in lines]
    caption = f"{escape(split)}: {_of(len(top), len(mistakes), 'wrong predictions')}"
    columns = [
        _Column("input", "text", [show_units(line.source, gap=gap) for line in lines]),
        _Column("tags", "tags", [_show_tags(line.tags) for line in lines]),
        *_pair_columns(pairs),
        _Column("edits", "number", [str(distance) for distance, _ in top]),
    ]
    if not any(line.tags for line in lines):
        del columns[1]
    return _table(caption, columns, "full")


def _pair_columns(pairs: Sequence[tuple[str, str]]) -> list[_Column]:
    empty = '<i class="sign">nothing</i>'
    return [
        _Column("prediction", "text", [prediction or empty for prediction, _ in pairs]),
        _Column("target", "text", [target or empty for _, target in pairs]),
    ]


def _show_tags(tags: Iterable[str]) -> str:
    return " ".join(f"<span>{show_units(tag)}</span>" for tag in tags)


def _show_repair(repair: Repair) -> str:
    wrong, right = (
        None if unit is None else f"<{tag}>{show_unit(unit, marked=True)}</{tag}>"
        for unit, tag in zip(repair, ("del", "ins"), strict=True)
    )
    if wrong is None:
        return f"insert {right}"
    return f"delete {wrong}" if right is None else f"{wrong} → {right}"


def _bar(count: int, most: int) -> str:
    return f'<span class="bar" style="--share:{count / most:.3f}">{count}</span>'


def _of(shown: int, total: int, what: str) -> str:
    """Return the number shown and, if it differs, the total.

    >>> _of(2, 3, "mistakes"), _of(3, 3, "mistakes")
    ('2 of 3 mistakes', '3 mistakes')
    """
    return f"{shown} {what}" if shown == total else f"{shown} of {total} {what}"
