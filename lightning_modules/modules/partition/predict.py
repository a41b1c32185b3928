"""The commands ``predict`` and ``evaluate`` for graphs with a partition."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch_geometric.loader import DataLoader

from lightning_modules.datamodules.partition_data_module import load_featured, load_labelled
from lightning_modules.errors import exit_on_input_error
from lightning_modules.modules.task_module import Scores
from pyg_grapheme.options import expect_count

if TYPE_CHECKING:
    from lightning_modules.modules.partition_module import PartitionModule


def add_sources(parser: ArgumentParser) -> None:
    """Add the sources of graphs, and how many graphs are taken at a time."""
    parser.add_argument("--batch_size", type=int, default=16, help="graphs at a time")
    parser.add_argument(
        "graphs",
        nargs="+",
        help="files *.npz of graphs, class paths of sequences of graphs, or such classes with "
        'options as JSON: {"class_path": ..., "init_args": {...}}',
    )


def evaluate_sources(module: "PartitionModule", options: Namespace) -> Mapping[str, Scores]:
    """Return the scores at the learned threshold, per source."""
    with exit_on_input_error():
        batch_size = expect_count("--batch_size", options.batch_size)
        sources = {
            source: load_labelled(source, module.counted["unlabelled"], module.features)
            for source in options.graphs
        }
    return {name: module.score(DataLoader(graphs, batch_size)) for name, graphs in sources.items()}


@torch.no_grad()
def cluster_lines(module: "PartitionModule", options: Namespace) -> Iterator[Sequence[str]]:
    """Yield one cluster id per node, in order; no two graphs share an id."""
    with exit_on_input_error():
        batch_size = expect_count("--batch_size", options.batch_size)
        sources = [load_featured(source, module.features) for source in options.graphs]
    first = 0
    for source in sources:
        for graphs in DataLoader(source, batch_size):
            cluster = module(graphs)
            yield [str(first + id_) for id_ in cluster.tolist()]
            first += int(cluster.max()) + 1 if cluster.numel() else 0
