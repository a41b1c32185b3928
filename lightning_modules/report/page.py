"""The report of a run: one self-contained HTML page without scripts."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from lightning_modules.modules.task_module import Scores
from lightning_modules.report.data import ReportData, unseen_first
from lightning_modules.report.figures import (
    Chart,
    choose_charts,
    draw_chart,
    has_matplotlib,
    show_figure,
)
from lightning_modules.report.scores import format_score
from lightning_modules.report.tables import score_table
from pyg_grapheme.atomic_write import atomic_write
from pyg_grapheme.typing import PathLikeStr


def write_report(path: PathLikeStr, data: ReportData) -> None:
    """Write a report as one HTML file; equal data give equal bytes.

    Without matplotlib the page has no diagrams and says so.
    """
    with atomic_write(path) as file:
        file.write(render_report(data))


def render_report(data: ReportData) -> str:
    """Return a report as HTML: results, curves, what the task adds, configuration."""
    scores = unseen_first(data.scores)
    note = f"<p>{escape(data.note)}</p>\n" if data.note else ""
    sections = {
        "Results": note + _cards(scores) + score_table(scores) if scores else note,
        "Curves": _charts(choose_charts(data.curves)),
        **data.sections,
        "Configuration": _configuration(data.config),
    }
    return _page(data, {heading: body for heading, body in sections.items() if body})


def _page(data: ReportData, sections: Mapping[str, str]) -> str:
    links = "".join(f'<a href="#{h.lower()}">{h}</a>\n' for h in sections)
    bodies = "".join(
        f'<section>\n<h2 id="{h.lower()}"><a href="#{h.lower()}">{h}</a></h2>\n{body}</section>\n'
        for h, body in sections.items()
    )
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(fact)}</dd></div>\n"
        for label, fact in data.facts.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(data.title)}</title>
<style>
{_style()}</style>
</head>
<body>
<header>
<h1>{escape(data.title)}</h1>
<dl>
{facts}</dl>
<nav aria-label="Sections">
{links}</nav>
</header>
<main>
{bodies}</main>
</body>
</html>
"""


@cache
def _style() -> str:
    return files("lightning_modules.report").joinpath("style.css").read_text(encoding="utf-8")


def _cards(rows: Mapping[str, Scores]) -> str:
    """Return the exact match of each split as large figures."""
    cards = []
    for name, scores in rows.items():
        share = scores.get("exact_match")
        if share is None:
            continue
        cards.append(
            f'<li><span class="name">{escape(name)}</span>\n'
            f"<strong>{format_score('exact_match', share)}</strong>\n"
            f'<span class="track"><span style="--share:{share:.4f}"></span></span>\n'
            f"<span>of {scores['examples']} predictions are right</span></li>\n"
        )
    return f'<ul class="cards">\n{"".join(cards)}</ul>\n' if cards else ""


def _charts(charts: Sequence[Chart]) -> str:
    if not charts:
        return ""
    if not has_matplotlib():
        return "<p>No diagrams: matplotlib is not installed.</p>\n"
    figures = [show_figure(draw_chart(chart), chart.name, _describe(chart)) for chart in charts]
    return f'<div class="figures">\n{"".join(figures)}</div>\n'


def _describe(chart: Chart) -> str:
    ends = []
    for name, values in chart.curves.items():
        known = [value for value in values if math.isfinite(value)]
        if known:
            ends.append(f"{name} {known[0]:.3g} → {known[-1]:.3g}")
    return "; ".join(ends)


def _configuration(config: str) -> str:
    if not config:
        return ""
    return f"<details>\n<summary>config.yaml</summary>\n<pre>{escape(config)}</pre>\n</details>\n"
