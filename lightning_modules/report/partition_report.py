"""The report of a run of the partition model."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch_geometric.data import Batch, Data

from lightning_modules.datamodules.graph_data_module import GraphDataModule
from lightning_modules.modules.task_module import Scores
from lightning_modules.report.figures import has_matplotlib, show_figure, write_picture
from lightning_modules.report.run_report import (
    print_missing_pictures,
    write_run_report,
    write_summary,
)
from lightning_modules.report.scores import print_scores
from lightning_modules.run.run_recorder import RunRecorder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lightning_modules.modules.partition_module import PartitionModule

OURS, BASELINE = "partition", "BCE and components"

MAX_NODES = 500
"""Graphs of as many nodes are not drawn: they are neither readable nor placed soon."""


def report_partition(
    module: "PartitionModule",
    folder: Path,
    checkpoint: str,
    data: GraphDataModule,
    recorder: RunRecorder,
) -> None:
    """Write ``summary.json``, pictures and ``report.html``; print the scores of each split.

    Args:
        module: The model, with the weights that were kept.
        folder: Folder of the run.
        checkpoint: Path of these weights, relative to it.
        data: What the run was trained on.
        recorder: Curves and times of the run.
    """
    methods, table = score_methods(module, data)
    summary = {"checkpoint": checkpoint, **module.summarize(recorder), "scores": table}
    write_summary(folder, summary)
    sections = {}
    if has_matplotlib():
        split, graphs = list(data.splits.items())[-1]
        graph = choose_graph(graphs)
        if graph is None:
            print(f"no picture of clusters: every graph of {split} has {MAX_NODES} nodes or more")
        else:
            figure = _draw(module, Batch.from_data_list([graph]), methods)
            write_picture(figure, folder / "partition.png")
            caption = f"A graph of {split}: clusters and labels compared on its edges"
            sections["Clusters"] = show_figure(figure, "partition", caption)
    write_run_report(folder, summary, table, recorder.curves, sections)
    print_scores(table)
    print(f"all in {folder}")
    print_missing_pictures()


def score_methods(
    module: "PartitionModule", data: GraphDataModule
) -> tuple[dict[str, float | None], dict[str, Scores]]:
    """Return the threshold of each method, None for the learned one, and all scores by row."""
    methods: dict[str, float | None] = {OURS: None}
    if module.baseline is not None:
        tuning = data.loader("val" if data.has_validation else "train")
        methods = {BASELINE: module.scan_baseline(tuning), **methods}
    return methods, {
        f"{split}, {method}": module.score(data.loader(split), cut)
        for split in data.splits
        for method, cut in methods.items()
    }


def choose_graph(graphs: Iterable[Data]) -> Data | None:
    """Return the first graph of fewer than ``MAX_NODES`` nodes."""
    return next((graph for graph in graphs if (graph.num_nodes or 0) < MAX_NODES), None)


def _draw(module: "PartitionModule", graph: Batch, methods: dict[str, float | None]) -> "Figure":
    """Draw the clusters of a batch of one graph, one panel per method."""
    from matplotlib.figure import Figure

    from pyg_grapheme.viz import draw_partition

    figure = Figure(figsize=(5.5 * len(methods), 5.8), layout="constrained")
    panels = figure.subplots(1, len(methods), squeeze=False)[0]
    for axes, (method, cut) in zip(panels, methods.items(), strict=True):
        score = module.score([graph], cut)[module.metric]
        title = f"{method}: {module.metric.replace('_', ' ')} {score:.3f}"
        unlabelled = module.counted["unlabelled"]
        draw_partition(
            graph, module.find_clusters(graph, cut), axes, unlabelled=unlabelled, title=title
        )
    return figure
