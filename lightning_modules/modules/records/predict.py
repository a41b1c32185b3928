"""The commands ``predict`` and ``evaluate`` for tables of records."""

import csv
import io
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch
from tqdm import tqdm

from lightning_modules.datamodules.data_files import find_file
from lightning_modules.errors import exit_on_input_error
from lightning_modules.modules.records.constraints import (
    constraints_of_rows,
    expect_consistent,
    read_constraints,
)
from lightning_modules.modules.task_module import Scores
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_count
from pyg_grapheme.records.blocks import split_blocks
from pyg_grapheme.records.labels import column_labels, row_of_id
from pyg_grapheme.records.table import Table, read_table

if TYPE_CHECKING:
    from lightning_modules.modules.records_module import RecordsModule

GROUP = 20_000
"""Records of as many blocks are clustered at a time, whatever the number of processes."""


class Found(NamedTuple):
    """The clusters of some records.

    Attributes:
        cluster: [n], from 0.
        probability: [clusters], NaN for a cluster that is none of the tree's.
        num_pairs: Candidate pairs.
        num_alone: Records without a candidate.
    """

    cluster: np.ndarray
    probability: np.ndarray
    num_pairs: int
    num_alone: int


def add_predict_arguments(parser: ArgumentParser) -> None:
    """Add the table, and what its clusters have to keep to."""
    add = parser.add_argument
    add("records", help="table with the columns of the training table")
    add("--id", metavar="COLUMN", help="ids of records (default: row numbers, from 0)")
    add(
        "--pairs",
        metavar="FILE",
        help="table of pairs of ids that are in one cluster or, by a third column with 'no' or "
        "'different', are not",
    )
    add("--max_size", type=int, metavar="N", help="largest cluster")
    add(
        "--source",
        metavar="COLUMN",
        help="records of one source are never in one cluster (default: that of the training)",
    )
    add("--jobs", type=int, default=1, help="processes that share the blocks")


def cluster_lines(module: "RecordsModule", options: Namespace) -> Iterator[Sequence[str]]:
    """Return lines of CSV, or TSV, in the order of the table: id, cluster, probability.

    Raises:
        ValueError: if the table or a constraint is not as described; nothing is clustered then.
    """
    jobs = expect_count("--jobs", options.jobs)
    table = read_table(find_file(options.records, "records"))
    rows = row_of_id(table, options.id)
    blocks = split_blocks(table, module.block)
    constraints = read_constraints(table, options, rows, options.source or module.source)
    expect_consistent(constraints, blocks, list(rows), options.pairs)
    module.encoder.expect_columns(table)
    groups = list(_groups(blocks))
    found = find_clusters(module, table, groups, constraints, jobs)
    return _lines(list(rows), groups, found, "\t" if options.output.endswith(".tsv") else ",")


def find_clusters(
    module: "RecordsModule",
    table: Table,
    groups: Sequence[Sequence[np.ndarray]],
    constraints: MergeConstraints,
    jobs: int,
) -> Iterator[Found]:
    """Yield the clusters of groups of blocks, which do not depend on the number of processes."""
    tasks = [
        (
            table.rows(np.concatenate(group)),
            [rows.size for rows in group],
            constraints_of_rows(constraints, np.concatenate(group), table.num_rows),
        )
        for group in groups
    ]
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=table.num_rows, desc="clusters", unit=" records"))
        if jobs == 1 or len(tasks) == 1:
            results: Iterator[Found] = (cluster_group(module, *task) for task in tasks)
        else:
            pool = stack.enter_context(
                ProcessPoolExecutor(jobs, get_context("spawn"), _take_module, (module,))
            )
            results = pool.map(_work, tasks)
        for found in results:
            bar.update(found.cluster.size)
            yield found


def _groups(blocks: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Yield consecutive blocks of together at least ``GROUP`` records, but for the last ones."""
    group: list[np.ndarray] = []
    size = 0
    for rows in blocks:
        group.append(rows)
        size += rows.size
        if size >= GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


_MODULE: list["RecordsModule"] = []
"""The module of a process that shares the work."""


def _take_module(module: "RecordsModule") -> None:
    torch.set_num_threads(1)
    _MODULE.append(module)


def _work(task: tuple[Table, list[int], MergeConstraints]) -> Found:
    return cluster_group(_MODULE[0], *task)


@torch.no_grad()
def cluster_group(
    module: "RecordsModule", table: Table, sizes: Sequence[int], constraints: MergeConstraints
) -> Found:
    """Cluster the records of some blocks.

    Args:
        module: The model.
        table: The records of the blocks, one after the other.
        sizes: Records of each block.
        constraints: On the rows of this table.
    """
    graphs = encode_blocks(module, table, sizes)
    linked = module.link(graphs, None if all(c is None for c in constraints) else constraints)
    cluster = linked.cut()
    return Found(
        cluster.numpy(),
        cluster_probability(linked.tree, cluster).numpy(),
        graphs.num_edges,
        int((torch.bincount(graphs.edge_index.view(-1), minlength=table.num_rows) == 0).sum()),
    )


def encode_blocks(module: "RecordsModule", table: Table, sizes: Sequence[int]) -> Batch:
    """Return the graphs of blocks whose records stand one after the other."""
    encoded, first, graphs = module.encoder.encode(table), 0, []
    for size in sizes:
        graphs.append(module.encoder.graph(encoded.rows(np.arange(first, first + size))))
        first += size
    return Batch.from_data_list(graphs)


def cluster_probability(tree: Dendrogram, cluster: Tensor) -> Tensor:
    """Return the probability of each cluster at the noisy threshold, [clusters].

    It is NaN for a cluster that is none of the tree's.
    """
    known = tree.clusters()
    position = torch.empty_like(known.order)
    position[known.order] = torch.arange(known.order.numel())
    count = torch.bincount(cluster)
    start = torch.full_like(count, position.numel()).scatter_reduce(0, cluster, position, "amin")
    end = torch.zeros_like(count).scatter_reduce(0, cluster, position, "amax") + 1
    # A cluster of the tree is an interval of the order; its key is unique.
    width = position.numel() + 1
    keys, order = (known.start * width + known.start + known.size).sort()
    key = start * width + end
    at = torch.searchsorted(keys, key).clamp(max=keys.numel() - 1)
    is_known = (keys[at] == key) & (end - start == count)
    return torch.where(is_known, known.probability[order[at]], torch.nan)


def _lines(
    ids: Sequence[str],
    groups: Sequence[Sequence[np.ndarray]],
    found: Iterator[Found],
    delimiter: str,
) -> Iterator[Sequence[str]]:
    cluster, probability = np.empty(len(ids), dtype=np.int64), np.empty(len(ids))
    first = num_pairs = num_alone = 0
    for group, part in zip(groups, found, strict=True):
        rows = np.concatenate(group)
        cluster[rows] = first + part.cluster
        probability[rows] = part.probability[part.cluster]
        first += part.probability.size
        num_pairs += part.num_pairs
        num_alone += part.num_alone
    print(
        f"{len(ids)} records, {num_pairs} candidate pairs, {num_alone} records without a candidate",
        file=sys.stderr,
    )
    yield [delimiter.join(("id", "cluster", "probability"))]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="")
    for id_, number, value in zip(ids, cluster, probability, strict=True):
        writer.writerow([id_, number, "" if np.isnan(value) else f"{value:.4f}"])
        yield [buffer.getvalue()]
        buffer.seek(0)
        buffer.truncate()


def evaluate_table(module: "RecordsModule", options: Namespace) -> dict[str, Scores]:
    """Return the scores of the records of known entity in a table."""
    with exit_on_input_error():
        table = read_table(find_file(options.records, "records"))
        y = column_labels(table, options.cluster, "--cluster")
        if module.source is not None:
            source = torch.from_numpy(column_labels(table, module.source, "--source"))
        module.encoder.expect_columns(table)
        blocks = split_blocks(table, module.block)
    rows = np.concatenate(blocks)
    graphs = encode_blocks(module, table.rows(rows), [block.size for block in blocks])
    graphs.y = torch.from_numpy(y[rows])
    if module.source is not None:
        graphs.source = source[rows]
    return {options.records: module.score([graphs])}
