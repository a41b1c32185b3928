"""Scores of a clustering against scikit-learn and written-out definitions."""

from itertools import combinations

import pytest
import sklearn.metrics
import torch

from pyg_grapheme.metrics import METRICS, PartitionSums, clustering_score, clustering_sums

SKLEARN = {
    "rand": sklearn.metrics.rand_score,
    "adjusted_rand": sklearn.metrics.adjusted_rand_score,
    "homogeneity": sklearn.metrics.homogeneity_score,
    "completeness": sklearn.metrics.completeness_score,
    "v_measure": sklearn.metrics.v_measure_score,
}


def counted(graph: list[tuple[int, int]], unlabelled: str) -> list[tuple[int, int]]:
    """The nodes that count, with a label each."""
    if unlabelled == "ignore":
        return [(k, label) for k, label in graph if label >= 0]
    return [(k, label if label >= 0 else 100 + i) for i, (k, label) in enumerate(graph)]


def quotient(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def harmonic(a: float, b: float) -> float:
    return quotient(2 * a * b, a + b, 0.0)


def classes(nodes: list[tuple[int, int]], side: int) -> list[set[int]]:
    return [
        {i for i, node in enumerate(nodes) if node[side] == name}
        for name in {node[side] for node in nodes}
    ]


def expected_scores(nodes: list[tuple[int, int]], min_size: int) -> dict[str, float]:
    """Every score of one graph, by its definition."""
    clusters, labels = classes(nodes, 0), classes(nodes, 1)
    joined, same = (
        {pair for group in groups for pair in combinations(sorted(group), 2)}
        for groups in (clusters, labels)
    )
    own = [
        [next(group for group in groups if i in group) for groups in (clusters, labels)]
        for i in range(len(nodes))
    ]
    precision = quotient(sum(len(a & b) / len(a) for a, b in own), len(nodes))
    recall = quotient(sum(len(a & b) / len(b) for a, b in own), len(nodes))
    large = [label for label in labels if len(label) >= min_size]
    majority = [
        label
        for label in large
        if any(len(label & k) > max(len(label), len(k)) / 2 for k in clusters)
    ]
    by_pairs = {
        "pair_precision": quotient(len(joined & same), len(joined), float(not same)),
        "pair_recall": quotient(len(joined & same), len(same), float(not joined)),
        "pair_f1": quotient(2 * len(joined & same), len(joined) + len(same)),
        "bcubed_precision": precision,
        "bcubed_recall": recall,
        "bcubed": harmonic(precision, recall),
        "recovered": quotient(sum(label in clusters for label in large), len(large)),
        "double_majority": quotient(len(majority), len(large)),
    }
    sides = [node[1] for node in nodes], [node[0] for node in nodes]
    return by_pairs | {name: float(score(*sides)) for name, score in SKLEARN.items()}


@pytest.mark.parametrize("unlabelled", ["ignore", "other"])
def test_scores_equal_their_definitions(draw_clusterings, unlabelled: str) -> None:
    distinct = {name: set() for name in METRICS}
    for trial in range(25):
        cluster, y, batch, graphs = draw_clusterings(8)
        min_size = 1 + trial % 3
        expected = [expected_scores(counted(graph, unlabelled), min_size) for graph in graphs]
        for name in METRICS:
            options = {"batch_size": 8, "unlabelled": unlabelled, "min_size": min_size}
            found = clustering_score(cluster, y, name, batch, **options)
            wanted = torch.tensor([scores[name] for scores in expected], dtype=torch.double)
            torch.testing.assert_close(found, wanted, msg=lambda text, name=name: f"{name} {text}")
            distinct[name].update(wanted.tolist())
    assert min(map(len, distinct.values())) > 5


def test_published_example() -> None:
    # Manning, Raghavan and Schuetze 2008, "Introduction to information retrieval", section 16.3.
    y = torch.tensor([0] * 5 + [1] + [0] + [1] * 4 + [2] + [0] * 2 + [2] * 3)
    cluster = torch.tensor([0] * 6 + [1] * 6 + [2] * 5)
    expected = {"rand": 92 / 136, "pair_precision": 0.5, "pair_recall": 20 / 44}
    for name, value in expected.items():
        assert clustering_score(cluster, y, name).item() == pytest.approx(value)


@pytest.mark.parametrize("y", [[], [3], [-1, -1]])
def test_nothing_to_join_scores_one(y: list[int]) -> None:
    labels = torch.tensor(y, dtype=torch.long)
    for name in METRICS:
        score = clustering_score(torch.zeros_like(labels), labels, name)
        assert score.tolist() == [1.0], name
    # No batch and no nodes is one empty graph; an empty batch holds no graph.
    assert clustering_score(labels[:0], labels[:0], "rand", labels[:0]).tolist() == []
    assert clustering_score(labels[:0], labels[:0], "rand", labels[:0], batch_size=2).numel() == 2


def test_ids_are_arbitrary_and_many() -> None:
    # A table of clusters by labels would hold 4e10 numbers.
    n = 200_000
    cluster = torch.arange(n) // 2 * 2**44
    y = (2**62 - cluster).flip(0)
    score = clustering_score(cluster, y, "recovered", (torch.arange(n) % 2).int())
    assert score.tolist() == [1.0, 1.0]
    assert clustering_score(cluster, y.roll(1), "pair_recall").item() == 0
    assert clustering_score(cluster, y.roll(1), "bcubed").item() == 0.5


def test_a_function_of_the_sums() -> None:
    cluster, y = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1])
    score = clustering_score(cluster, y, lambda sums: sums.num_clusters / sums.num_nodes)
    assert score.tolist() == [0.5]
    sums = clustering_sums(cluster, y)
    assert isinstance(sums, PartitionSums)
    assert (sums.cluster_pairs, sums.label_pairs, sums.common_pairs) == (2, 3, 1)


CLUSTER, Y = torch.tensor([0, 0, 1]), torch.tensor([0, 1, -1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cluster": [0, 0, 1]}, r"'cluster' to be integers \[N\], .* \(got list\)"),
        (
            {"cluster": CLUSTER.float()},
            r"'cluster' to be integers \[N\], .* \(got float32 of shape",
        ),
        ({"cluster": CLUSTER - 1}, r"'cluster' to be at least 0 \(got -1\)"),
        ({"y": Y[:2]}, r"'y' to be integers \[3\], .* \(got int64 of shape \(2,\)\)"),
        ({"y": Y - 1}, r"'y' to be at least -1 \(got -2\)"),
        ({"batch": Y}, r"'batch' to be at least 0 \(got -1\)"),
        ({"batch": CLUSTER, "batch_size": 1}, r"'batch_size' to be at least 2 \(got 1\)"),
        ({"batch_size": -1}, r"'batch_size' to be at least 0 \(got -1\)"),
        ({"batch_size": 0}, r"'batch_size' to be at least 1 \(got 0\)"),
        ({"unlabelled": "drop"}, r"'unlabelled' to be one of 'ignore', 'other' \(got 'drop'\)"),
        ({"min_size": 0}, r"'min_size' to be at least 1 \(got 0\)"),
        ({"metric": "f1"}, r"'metric' to be one of 'pair_precision', .* \(got 'f1'\)"),
        ({"metric": lambda sums: 0.5}, r"'metric' to return floats \(1,\) \(got 0.5\)"),
    ],
)
def test_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"Expected {message}"):
        clustering_score(**{"cluster": CLUSTER, "y": Y, "metric": "rand"} | arguments)
