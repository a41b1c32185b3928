"""Tables of the report as HTML."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from lightning_modules.modules.task_module import Scores
from lightning_modules.report.scores import format_score, score_heading


class Column(NamedTuple):
    """Heading, class of the cells, and the cells as HTML."""

    heading: str
    kind: str
    cells: Sequence[str]


def table(caption: str, columns: Sequence[Column], kind: str = "") -> str:
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


def score_table(rows: Mapping[str, Scores]) -> str:
    """Return all scores, one row per split."""
    names = dict.fromkeys(name for scores in rows.values() for name in scores)
    columns = [Column("split", "", [escape(row) for row in rows])]
    for name in names:
        cells = [format_score(name, scores.get(name)) for scores in rows.values()]
        columns.append(Column(escape(score_heading(name)), "number", cells))
    return table("All splits", columns)
