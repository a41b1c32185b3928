"""The part of the report of a run that is the same for all tasks."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from lightning_modules.modules.task_module import Scores
from lightning_modules.report.data import ReportData
from lightning_modules.report.figures import Curves, has_matplotlib, write_charts
from lightning_modules.report.page import write_report
from pyg_grapheme import __version__
from pyg_grapheme.atomic_write import atomic_write


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``summary.json``."""
    with atomic_write(folder / "summary.json") as file:
        json.dump(summary, file, indent=2, allow_nan=False)


def write_run_report(
    folder: Path,
    summary: Mapping[str, Any],
    scores: Mapping[str, Scores],
    curves: Curves,
    sections: Mapping[str, str],
    note: str = "",
    facts: Mapping[str, str] = {},
) -> None:
    """Write ``report.html`` and, if matplotlib is installed, the curves as pictures.

    Args:
        folder: Folder of the run.
        summary: What ``TaskModule.summarize`` returned, and "checkpoint".
        scores: Scores by row.
        curves: One value per epoch, by logged name.
        sections: What the task adds to the page: HTML by heading.
        note: What a reader of the scores has to know.
        facts: What the task adds to the facts of the run.
    """
    if has_matplotlib():
        write_charts(folder, curves)
    config = folder / "config.yaml"
    report = ReportData(
        title=f"{folder.parent.name}, {folder.name}",
        facts={
            "checkpoint": summary["checkpoint"],
            "date": datetime.now().astimezone().isoformat(" ", "seconds"),
            "training": f"{summary['epochs']} epochs in {summary['seconds']:.1f} s",
            "versions": f"pyg-grapheme {__version__}, torch {torch.__version__}, "
            f"Python {sys.version.split()[0]}",
            **facts,
        },
        scores=scores,
        curves=curves,
        sections=sections,
        config=config.read_text(encoding="utf-8") if config.is_file() else "",
        note=note,
    )
    write_report(folder / "report.html", report)


def print_missing_pictures() -> None:
    """Say so if matplotlib is not installed."""
    if not has_matplotlib():
        print("no pictures: matplotlib is not installed (pip install 'pyg-grapheme[viz]')")
