"""The scores of clusterings; cuts that are not learned are the best on the validation split."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.records.cells import LINKAGES, METRIC, NAME, ONE_PER_SOURCE, SOURCE, Cell
from lightning_modules import RecordsDataModule, RecordsModule
from lightning_modules.modules.records.linked_records import LinkedRecords
from pyg_grapheme.metrics import ClusteringScore
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram, MergeConstraints
from pyg_grapheme.nn.pool.clustering.constrained import ConstrainedMergeName
from pyg_grapheme.records.labels import column_labels
from pyg_grapheme.records.table import is_missing

SLOPES = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0)
"""The slopes w1 that are tried for a threshold w0 + w1 log(n / 100) of a block of n records."""


class Evaluation(NamedTuple):
    """The scores of one way of choosing the cut.

    Attributes:
        threshold: The cut, or w0 of a cut that depends on the size of a block.
        slope: w1, 0 for one cut.
        val: Score on the validation split.
        test: Score on the test split.
    """

    threshold: float
    slope: float
    val: float
    test: float


Evaluations = dict[str, Evaluation]
"""Evaluations by clustering and choice of the cut."""

Splits = tuple[Sequence[Data], Sequence[Data]]
"""The batches of the validation split, and of the test split."""

Forests = Sequence[Sequence[LinkedRecords]]
"""The clusterings of the batches of these splits."""

PROBABILITIES = "average of probabilities"
"""The baseline whose linkage is that of probabilities, not of logits."""


def evaluate(cell: Cell, module: RecordsModule, data: RecordsDataModule) -> Evaluations:
    """Score what was trained.

    Returns:
        "learned" and "scanned" of the trained linkage; if the cell has the baselines, them, too.
        If records name their source, all that also with one record per source in a cluster.
    """
    module.metric = METRIC[cell.table]
    splits = list(data.loader("val")), list(data.loader("test"))
    forests = _cluster(cell, module, splits)
    found = _evaluate(cell, module, splits, forests)
    if cell.table in SOURCE:
        source = torch.from_numpy(column_labels(data.table, SOURCE[cell.table], "columns"))
        limited = {name: _limit(splits, each, source) for name, each in forests.items()}
        for name, each in _evaluate(cell, module, splits, limited).items():
            found[name + ONE_PER_SOURCE] = each
    return found


def _cluster(cell: Cell, module: RecordsModule, splits: Splits) -> dict[str, Forests]:
    """Return the clusterings: of what was trained as "ours", and of the baselines by name."""
    logits = [[module.logits(graphs) for graphs in split] for split in splits]
    found = {"ours": _link(splits, logits, module.tree, cell.linkage)}
    if cell.has_baseline:
        net = module.baseline
        assert net is not None
        logits = [[net(g.x, g.edge_index, g.edge_attr) for g in split] for split in splits]
        for linkage in LINKAGES:
            tree = partial(_tree, ThresholdMergePool(logits=True, merge=linkage))
            found[linkage] = _link(splits, logits, tree, linkage)
        scores = [[each.sigmoid() for each in split] for split in logits]
        tree = partial(_tree, ThresholdMergePool(merge="average"))
        found[PROBABILITIES] = _link(splits, scores, tree, "average")
    return found


def _evaluate(
    cell: Cell, module: RecordsModule, splits: Splits, forests: Mapping[str, Forests]
) -> Evaluations:
    slope = 0.0 if module.size_slope is None else float(module.size_slope)
    learned = [
        score(module.metric, split, [each.cut() for each in forest])
        for split, forest in zip(splits, forests["ours"], strict=True)
    ]
    found = {
        "learned": Evaluation(float(module.pool.raw_threshold), slope, *learned),
        "scanned": _scan(module, splits, forests["ours"], slope),
    }
    for name in [name for name in forests if name != "ours"]:
        found[name] = _scan(module, splits, forests[name], 0.0)
        if name in LINKAGES and cell.table == "authors":
            each = [_scan(module, splits, forests[name], slope) for slope in SLOPES]
            found[f"{name}, by size"] = max(each, key=lambda e: e.val)
    return found


def _link(
    splits: Splits,
    scores: Sequence[Sequence[Tensor]],
    tree: Callable[[Data, Tensor], Dendrogram],
    merge: str,
) -> Forests:
    """Return the clusterings of each split by the scores of its pairs."""
    name = cast(ConstrainedMergeName, merge)
    return [
        [LinkedRecords(tree(g, s), g.edge_index, s, name) for g, s in zip(*each, strict=True)]
        for each in zip(splits, scores, strict=True)
    ]


def _limit(splits: Splits, forests: Forests, source: Tensor) -> Forests:
    """Return the same clusterings with one record per source."""
    return [
        [
            each._replace(constraints=MergeConstraints(source=source[graphs.row]))
            for graphs, each in zip(split, forest, strict=True)
        ]
        for split, forest in zip(splits, forests, strict=True)
    ]


def _tree(pool: ThresholdMergePool, graphs: Data, score: Tensor) -> Dendrogram:
    """Return the merges of a batch by the scores of its pairs."""
    return pool.dendrogram(
        graphs.x, graphs.edge_index, None, graphs.batch, graphs.num_graphs, edge_score=score
    )


def _scan(module: RecordsModule, splits: Splits, forests: Forests, slope: float) -> Evaluation:
    """Return the scores at the best threshold of the validation split."""
    val, test = (
        [
            each._replace(tree=each.tree._replace(threshold=slope * (size / 100).log()))
            for each, size in zip(forest, (graphs.block_records for graphs in split), strict=True)
        ]
        for split, forest in zip(splits, forests, strict=True)
    )
    thresholds, scores = module.score_curve(splits[0], val)
    best = int(np.argmax(scores))
    cut = thresholds[best]
    clusters = [each.cut(each.tree.threshold + cut) for each in test]
    found = score(module.metric, splits[1], clusters)
    return Evaluation(float(cut), slope, scores[best], found)


def score(metric: str, batches: Sequence[Data], clusters: Sequence[Tensor]) -> float:
    """Return the score of the records of a split; blocks are clustered by themselves."""
    total = ClusteringScore(metric, pooled=True)
    for graphs, cluster in zip(batches, clusters, strict=True):
        total.update(cluster, graphs.y, graphs.batch, graphs.num_graphs, counted=graphs.counted)
    return float(total.compute())


def evaluate_equal(table: str, data: RecordsDataModule) -> Evaluations:
    """Score the clusters of equal names or titles; records without one are clusters of one."""
    ids: dict[str, int] = {}
    cells = data.table.texts(NAME[table], "columns")
    cluster = torch.tensor(
        [
            -1 - row if is_missing(cell) else ids.setdefault(cell.strip().lower(), len(ids))
            for row, cell in enumerate(cells)
        ]
    )
    cluster = cluster.unique(return_inverse=True)[1]
    val, test = (
        score(METRIC[table], batches, [cluster[graphs.row] for graphs in batches])
        for batches in (list(data.loader(split)) for split in ("val", "test"))
    )
    return {"equal": Evaluation(0.0, 0.0, val, test)}
