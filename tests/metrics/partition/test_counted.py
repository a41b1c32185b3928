"""Sums of clusterings of which only some nodes are counted, by loops over nodes and pairs."""

from collections.abc import Callable
from itertools import combinations
from math import log

import pytest
import torch

from pyg_grapheme.metrics import (
    METRICS,
    ClusteringScore,
    PartitionSums,
    clustering_score,
    clustering_sums,
)

Node = tuple[int, int, bool]
"""The cluster and the label of a node, and whether it is counted."""


def expected_sums(graph: list[Node], unlabelled: str, min_size: int) -> dict[str, float]:
    """Every sum of one graph, by its definition."""
    if unlabelled == "ignore":
        nodes = [node for node in graph if node[1] >= 0]
    else:
        nodes = [(k, y if y >= 0 else 100 + i, c) for i, (k, y, c) in enumerate(graph)]
    of_cluster = {k: {i for i, node in enumerate(nodes) if node[0] == k} for k, _, _ in nodes}
    of_label = {y: {i for i, node in enumerate(nodes) if node[1] == y} for _, y, _ in nodes}
    counted = [i for i, node in enumerate(nodes) if node[2]]
    pairs = [p for p in combinations(range(len(nodes)), 2) if nodes[p[0]][2] or nodes[p[1]][2]]
    joined = [of_cluster[nodes[i][0]].issuperset((i, j)) for i, j in pairs]
    same = [of_label[nodes[i][1]].issuperset((i, j)) for i, j in pairs]
    own = [(of_cluster[nodes[i][0]], of_label[nodes[i][1]]) for i in counted]
    clusters = {frozenset(a) for a, _ in own}
    labels = {frozenset(b) for _, b in own if len(b) >= min_size}
    n = len(nodes)
    return {
        "num_nodes": len(counted),
        "num_labels": len(labels),
        "num_pairs": len(pairs),
        "label_pairs": sum(same),
        "label_entropy": sum(log(n / len(b)) for _, b in own),
        "num_clusters": len(clusters),
        "cluster_pairs": sum(joined),
        "common_pairs": sum(s and t for s, t in zip(joined, same, strict=True)),
        "precision": sum(len(a & b) / len(a) for a, b in own),
        "recall": sum(len(a & b) / len(b) for a, b in own),
        "cluster_entropy": sum(log(n / len(a)) for a, _ in own),
        "cluster_given_label": sum(log(len(b) / len(a & b)) for a, b in own),
        "label_given_cluster": sum(log(len(a) / len(a & b)) for a, b in own),
        "recovered": sum(b in of_cluster.values() for b in labels),
        "double_majority": sum(
            any(len(a & b) > max(len(a), len(b)) / 2 for a in of_cluster.values()) for b in labels
        ),
    }


@pytest.mark.parametrize("unlabelled", ["ignore", "other"])
def test_sums_equal_their_definitions(draw_clusterings: Callable, unlabelled: str) -> None:
    generator = torch.Generator().manual_seed(0)
    distinct = {name: set() for name in PartitionSums._fields}
    for trial in range(40):
        cluster, y, batch, _ = draw_clusterings(8)
        counted = torch.rand(y.numel(), generator=generator) < (0.1, 0.5, 0.9)[trial % 3]
        rows = list(zip(cluster.tolist(), y.tolist(), counted.tolist(), strict=True))
        options = {"batch_size": 8, "unlabelled": unlabelled, "min_size": 1 + trial % 4}
        found = clustering_sums(cluster, y, batch, **options, counted=counted)._asdict()
        for graph in range(8):
            nodes = [row for row, b in zip(rows, batch.tolist(), strict=True) if b == graph]
            for name, value in expected_sums(nodes, unlabelled, options["min_size"]).items():
                assert found[name][graph].item() == pytest.approx(value, abs=1e-12), (trial, name)
                distinct[name].add(value)
    assert min(map(len, distinct.values())) > 3


def test_none_is_all(draw_clusterings: Callable) -> None:
    cluster, y, batch, _ = draw_clusterings(50)
    for unlabelled in ("ignore", "other"):
        every = clustering_sums(cluster, y, batch, unlabelled=unlabelled)
        same = clustering_sums(
            cluster, y, batch, unlabelled=unlabelled, counted=torch.ones_like(y, dtype=torch.bool)
        )
        for field, other in zip(every, same, strict=True):
            assert torch.equal(field, other)


def test_scores_of_counted_nodes() -> None:
    # The third node, of a training set, is wrongly in the cluster of two others.
    cluster, y = torch.tensor([0, 0, 0, 1]), torch.tensor([5, 5, 7, 7])
    counted = torch.tensor([True, True, False, False])
    expected = {"bcubed_precision": 2 / 3, "bcubed_recall": 1, "pair_precision": 1 / 3}
    expected |= {"pair_recall": 1, "rand": 3 / 5, "recovered": 0, "double_majority": 1}
    for name, value in expected.items():
        score = clustering_score(cluster, y, name, counted=counted)
        assert score.item() == pytest.approx(value), name
        for pooled in (False, True):
            metric = ClusteringScore(name, pooled=pooled)
            metric.update(cluster, y, counted=counted)
            assert metric.compute().item() == pytest.approx(value), name
    for name in METRICS:
        score = clustering_score(cluster, y, name, counted=torch.zeros(4, dtype=torch.bool))
        assert score.tolist() == [1.0], name


@pytest.mark.parametrize(
    ("counted", "got"),
    [
        ([True, False], "list"),
        (torch.tensor([1, 0]), r"int64 of shape \(2,\) on cpu"),
        (torch.tensor([True]), r"bool of shape \(1,\) on cpu"),
        (torch.ones(2, dtype=torch.bool, device="meta"), r"bool of shape \(2,\) on meta"),
    ],
)
def test_refused(counted: object, got: str) -> None:
    cluster = torch.tensor([0, 1])
    message = rf"Expected 'counted' to be a bool tensor \[2\] on cpu, .* \(got {got}\)"
    with pytest.raises(ValueError, match=message):
        clustering_score(cluster, cluster, "rand", counted=counted)
