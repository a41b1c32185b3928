"""The scores of clusterings; cuts that are not learned are the best on the validation split."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.records.cells import LINKAGES, METRIC, NAME, Cell
from lightning_modules import RecordsDataModule, RecordsModule
from pyg_grapheme.metrics import ClusteringScore
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram
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

Forest = Sequence[Dendrogram]
"""The trees of the batches of a split."""


def evaluate(cell: Cell, module: RecordsModule, data: RecordsDataModule) -> Evaluations:
    """Score what was trained.

    Returns:
        "learned" and "scanned" of the trained linkage; if the cell has the baselines, them, too.
    """
    module.metric = METRIC[cell.table]
    val, test = (list(data.loader(split)) for split in ("val", "test"))
    ours = [[module.tree(g, module.logits(g)) for g in split] for split in (val, test)]
    learned = [
        score(module.metric, split, [tree.cut() for tree in trees])
        for split, trees in zip((val, test), ours, strict=True)
    ]
    slope = 0.0 if module.size_slope is None else float(module.size_slope)
    found = {
        "learned": Evaluation(float(module.pool.raw_threshold), slope, *learned),
        "scanned": _scan(module, (val, test), ours, slope),
    }
    if cell.has_baseline:
        net = module.baseline
        assert net is not None
        logits = [[net(g.x, g.edge_index, g.edge_attr) for g in split] for split in (val, test)]
        for linkage, is_logit in (*((each, True) for each in LINKAGES), ("average", False)):
            trees = [
                [_tree(*each, linkage, is_logit) for each in zip(*pair, strict=True)]
                for pair in zip((val, test), logits, strict=True)
            ]
            name = linkage if is_logit else f"{linkage} of probabilities"
            found[name] = _scan(module, (val, test), trees, 0.0)
            if cell.table == "authors":
                each = [_scan(module, (val, test), trees, slope) for slope in SLOPES]
                found[f"{name}, by size"] = max(each, key=lambda e: e.val)
    return found


def _tree(graphs: Data, logits: Tensor, linkage: str, is_logit: bool) -> Dendrogram:
    """Return the merges of a batch by the logits of its pairs, or by their probabilities."""
    return ThresholdMergePool(logits=is_logit, merge=linkage).dendrogram(
        graphs.x, graphs.edge_index, None, graphs.batch, graphs.num_graphs,
        edge_score=logits if is_logit else logits.sigmoid(),
    )  # fmt: skip


def _scan(
    module: RecordsModule,
    splits: tuple[Sequence[Data], Sequence[Data]],
    forests: Sequence[Forest],
    slope: float,
) -> Evaluation:
    """Return the scores at the best threshold of the validation split."""
    val, test = (
        [
            tree._replace(threshold=slope * (_sizes(graphs) / 100).log())
            for graphs, tree in zip(split, forest, strict=True)
        ]
        for split, forest in zip(splits, forests, strict=True)
    )
    thresholds, scores = module.score_curve(splits[0], val)
    best = int(np.argmax(scores))
    cut = thresholds[best]
    clusters = [tree.cut(tree.threshold + cut) for tree in test]
    return Evaluation(float(cut), slope, scores[best], score(module.metric, splits[1], clusters))


def _sizes(graphs: Data) -> Tensor:
    return torch.bincount(graphs.batch, minlength=graphs.num_graphs).float()


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
