"""The report of a run of the model of records."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch_geometric.data import Data

from lightning_modules.datamodules.records_data_module import RecordsDataModule
from lightning_modules.report.figures import has_matplotlib, show_figure, write_picture
from lightning_modules.report.partition_report import score_methods
from lightning_modules.report.run_report import (
    print_missing_pictures,
    write_run_report,
    write_summary,
)
from lightning_modules.report.scores import print_scores
from lightning_modules.report.tables import Column, table
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.records.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lightning_modules.modules.records_module import RecordsModule

SHOWN = 12
"""Merges in each table."""


def report_records(
    module: "RecordsModule",
    folder: Path,
    checkpoint: str,
    data: RecordsDataModule,
    recorder: RunRecorder,
) -> None:
    """Write ``summary.json`` and ``report.html``; print the scores of each split.

    Args:
        module: The model, with the weights that were kept.
        folder: Folder of the run.
        checkpoint: Path of these weights, relative to it.
        data: What the run was trained on.
        recorder: Curves and times of the run.
    """
    _, scores = score_methods(module, data)
    summary = {"checkpoint": checkpoint, **module.summarize(recorder), "scores": scores}
    write_summary(folder, summary)
    split = list(data.splits)[-1]
    batches = list(data.loader(split))
    with torch.no_grad():
        linked = [module.link(graphs) for graphs in batches]
    sections = {}
    if has_matplotlib():
        thresholds, curve = module.score_curve(batches, linked)
        figure = _draw_curve(module, thresholds, curve)
        write_picture(figure, folder / "scan.png")
        caption = f"{split}: {_name(module)} of all thresholds, and the learned one"
        sections["Scan"] = show_figure(figure, "scan", caption)
    sections["Merges"] = show_merges(data.table, split, batches, [each.tree for each in linked])
    write_run_report(folder, summary, scores, recorder.curves, sections)
    print_scores(scores)
    print(f"all in {folder}")
    print_missing_pictures()


def _name(module: "RecordsModule") -> str:
    return module.metric.replace("_", " ")


def _draw_curve(module: "RecordsModule", thresholds: Tensor, scores: Sequence[float]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(thresholds.tolist(), scores, label=_name(module))
    # Where thresholds depend on the size of blocks, the curve is over shifts of them.
    learned = 0.0 if module.size_slope is not None else float(module.pool.raw_threshold.detach())
    axes.axvline(learned, color="#ff7f0e", label="learned threshold")
    axes.set(xlabel="threshold (logit)", ylabel=_name(module))
    axes.legend()
    return figure


def show_merges(
    records: Table, split: str, batches: Sequence[Data], trees: Sequence[Dendrogram]
) -> str:
    """Return the surest and the most doubtful merges of a split as HTML."""
    logit, pairs, same = [], [], []
    for graphs, tree in zip(batches, trees, strict=True):
        threshold = tree.threshold[tree.graph] if tree.threshold.dim() else tree.threshold
        counted = graphs.counted[tree.pairs].any(dim=0)
        logit.append(((tree.height - threshold) / tree.temperature)[counted])
        pairs.append(graphs.row[tree.pairs[:, counted]])
        y = graphs.y[tree.pairs[:, counted]]
        same.append(torch.where((y < 0).any(dim=0), -1, (y[0] == y[1]).long()))
    chance, rows, known = torch.cat(logit), torch.cat(pairs, dim=1), torch.cat(same)
    sure, doubtful = chance.argsort(descending=True), chance.abs().argsort()
    return "".join(
        _merge_table(f"{kind} merges of {split}", records, chance[at], rows[:, at], known[at])
        for kind, at in (("Surest", sure[:SHOWN]), ("Most doubtful", doubtful[:SHOWN]))
    )


def _merge_table(caption: str, records: Table, chance: Tensor, rows: Tensor, known: Tensor) -> str:
    answers = {1: "one entity", 0: "two entities", -1: "not known"}
    columns = [
        Column("probability", "number", [f"{p:.3f}" for p in torch.sigmoid(chance).tolist()]),
        Column("record", "", [_describe(records, row) for row in rows[0].tolist()]),
        Column("merged with", "", [_describe(records, row) for row in rows[1].tolist()]),
        Column("known answer", "", [answers[value] for value in known.tolist()]),
    ]
    return table(caption, columns)


def _describe(records: Table, row: int) -> str:
    """Return the first cells of a record."""
    cells = [column[row] for column in records.columns.values()]
    texts = [cell if isinstance(cell, str) else "; ".join(cell) for cell in cells]
    text = " · ".join(text for text in texts if text)
    return escape(text if len(text) <= 160 else f"{text[:159]}…")
