"""Tables of the mistakes in texts as HTML."""

from collections.abc import Iterable, Sequence
from html import escape

from lightning_modules.report.confusions import Repair, count_confusions
from lightning_modules.report.html_text import show_difference, show_unit, show_units
from lightning_modules.report.ranking import rank_mistakes
from lightning_modules.report.tables import Column, table
from lightning_modules.report.text_results import Line


def confusion_table(split: str, all_lines: Sequence[Line], gap: str, shown: int = 20) -> str:
    """Return the repairs that the predictions of a split need most often, with examples."""
    confusions = count_confusions((line.prediction, line.target) for line in all_lines)
    if not confusions:
        return f"<p>{escape(split)}: no prediction needs any repair.</p>\n"
    total = sum(confusion.times for confusion in confusions)
    top = confusions[:shown]
    lines = [all_lines[confusion.example] for confusion in top]
    pairs = [show_difference(line.prediction, line.target, gap) for line in lines]
    caption = (
        f"{escape(split)}: {_of(len(top), len(confusions), 'kinds of repair')}, {total} in all"
    )
    columns = [
        Column("repair", "text", [_show_repair(c.repair) for c in top]),
        Column("times", "", [_bar(c.times, top[0].times) for c in top]),
        Column("example input", "text", [show_units(line.source, gap=gap) for line in lines]),
        *_pair_columns(pairs),
    ]
    return table(caption, columns, "full")


def mistake_table(split: str, all_lines: Sequence[Line], gap: str, shown: int = 50) -> str:
    """Return the predictions of a split with the most errors."""
    mistakes = rank_mistakes(all_lines)
    if not mistakes:
        return f"<p>{escape(split)}: all {len(all_lines)} predictions are right.</p>\n"
    top = mistakes[:shown]
    lines = [line for _, line in top]
    pairs = [show_difference(line.prediction, line.target, gap) for line in lines]
    caption = f"{escape(split)}: {_of(len(top), len(mistakes), 'wrong predictions')}"
    columns = [
        Column("input", "text", [show_units(line.source, gap=gap) for line in lines]),
        Column("tags", "tags", [_show_tags(line.tags) for line in lines]),
        *_pair_columns(pairs),
        Column("edits", "number", [str(distance) for distance, _ in top]),
    ]
    if not any(line.tags for line in lines):
        del columns[1]
    return table(caption, columns, "full")


def _pair_columns(pairs: Sequence[tuple[str, str]]) -> list[Column]:
    empty = '<i class="sign">nothing</i>'
    return [
        Column("prediction", "text", [prediction or empty for prediction, _ in pairs]),
        Column("target", "text", [target or empty for _, target in pairs]),
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
