"""The scores of a trained network: cuts are tuned on the tuning events, by each score."""

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.partitions.tracks.clusterings import WalkCuts, chain_edges, walk_through
from benchmarks.partitions.tracks.scoring import MIN_SIZE, Score, score_tracks
from benchmarks.partitions.tracks.training import Splits, edge_logits, make_pool
from lightning_modules.modules.partition.edge_net import EdgeNet
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.partition import best_threshold
from pyg_grapheme.nn.pool import Dendrogram

METRICS = {"efficiency": "double_majority", "bcubed": "bcubed"}
"""The scores by which cuts are tuned, and their names in the package."""

WALK_LEVELS = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
"""The cuts that are tried for the walkthrough, as probabilities."""

LEARNED = "learned"


class Evaluation(NamedTuple):
    """The scores of one way of choosing the cuts.

    Attributes:
        cuts: The cuts, as logits.
        tune: Scores on the tuning events.
        test: Scores on the test events.
    """

    cuts: tuple[float, ...]
    tune: Score
    test: Score


Cluster = Callable[[Data, Tensor, tuple[float, ...]], Tensor]
"""Returns the clusters [N] of a batch, its logits and some cuts."""


def evaluate(
    net: EdgeNet, pool: ThresholdMergePool, splits: Splits, linkage: str
) -> dict[str, dict[str, Evaluation]]:
    """Score a trained network.

    Args:
        net: The network.
        pool: Holds the learned threshold.
        splits: The events.
        linkage: "edges": score all clusterings of the baselines; else this linkage alone, at the
            learned threshold too.

    Returns:
        For each clustering, the scores by what chose the cuts: "learned", or the metric of which
        they are the best on the tuning events.
    """
    with torch.no_grad():
        events = [(data, edge_logits(net, data)) for data in splits[1:]]
        if linkage != "edges":
            learned = {LEARNED: (float(pool.raw_threshold),)}
            return {
                linkage: _scores(_cut_tree(linkage), events, learned | scan(linkage, events[0]))
            }
        trees = {name: _scores(_cut_tree(name), events, scan(name, events[0])) for name in TREES}
        return trees | {"walkthrough": _scores(_walk, events, tune_walk(*events[0]))}


TREES = ("components", "average", "chains")
"""Clusterings with one cut: the cuts of a dendrogram."""


def build_tree(name: str, data: Data, logits: Tensor) -> Dendrogram:
    """Return the dendrogram of a linkage, or of greedy chains."""
    edge_index = data.edge_index
    if name == "chains":
        kept = chain_edges(logits, edge_index)
        name, edge_index, logits = "components", edge_index[:, kept], logits[kept]
    return make_pool(name).dendrogram(
        data.x, edge_index, None, data.batch, data.num_graphs, edge_score=logits
    )


def scan(name: str, events: tuple[Data, Tensor]) -> dict[str, tuple[float, ...]]:
    """Return the best cut of a dendrogram for each metric, of all cuts."""
    data, _ = events
    tree = build_tree(name, *events)
    cuts = {}
    for metric, objective in METRICS.items():
        best = best_threshold(tree, data.y, objective, unlabelled="other", min_size=MIN_SIZE)
        cuts[metric] = (float(best.threshold),)
    return cuts


def tune_walk(data: Data, logits: Tensor) -> dict[str, tuple[float, ...]]:
    """Return the best cuts of the walkthrough for each metric."""
    levels = torch.tensor(WALK_LEVELS).logit().tolist()
    tried = list(combinations_with_replacement(levels, 3))
    scores = [score_tracks(_walk(data, logits, cuts), data.y, data.batch) for cuts in tried]
    return {
        metric: max(zip(scores, tried, strict=True), key=lambda pair: getattr(pair[0], metric))[1]
        for metric in METRICS
    }


def _walk(data: Data, logits: Tensor, cuts: tuple[float, ...]) -> Tensor:
    return walk_through(logits, data.edge_index, data.num_nodes, WalkCuts(*cuts))


def _cut_tree(name: str) -> Cluster:
    return lambda data, logits, cuts: build_tree(name, data, logits).cut(cuts[0])


def _scores(
    cluster: Cluster, events: list[tuple[Data, Tensor]], cuts: dict[str, tuple[float, ...]]
) -> dict[str, Evaluation]:
    """Score the clusters of some cuts on the tuning and the test events."""
    return {
        name: Evaluation(
            chosen,
            *(
                score_tracks(cluster(data, logits, chosen), data.y, data.batch)
                for data, logits in events
            ),
        )
        for name, chosen in cuts.items()
    }
