"""Scores of all cuts against scikit-learn and written-out definitions."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from sklearn import metrics
from torch import Tensor

from pyg_grapheme.metrics import METRICS, PartitionSums
from pyg_grapheme.nn import PartitionLoss, ThresholdMergePool, best_threshold
from pyg_grapheme.nn.partition import partition_scores
from pyg_grapheme.nn.pool import ScoredPairs, single_linkage


def ratio(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def harmonic(precision: float, recall: float) -> float:
    return ratio(2 * precision * recall, precision + recall, 0.0)


def expected_scores(cluster: list[int], label: list[int], min_size: int) -> dict[str, float]:
    """All scores of one cut, node by node and pair by pair."""
    nodes = range(len(label))
    together = {p for p in combinations(nodes, 2) if cluster[p[0]] == cluster[p[1]]}
    same = {p for p in combinations(nodes, 2) if label[p[0]] == label[p[1]]}
    right = len(together & same)
    members = [{j for j in nodes if cluster[j] == cluster[i]} for i in nodes]
    alike = [{j for j in nodes if label[j] == label[i]} for i in nodes]
    precision = ratio(sum(len(members[i] & alike[i]) / len(members[i]) for i in nodes), len(nodes))
    recall = ratio(sum(len(members[i] & alike[i]) / len(alike[i]) for i in nodes), len(nodes))
    sizes = Counter(label)
    large = {frozenset(a) for a in alike if len(a) >= min_size}
    clusters = {frozenset(m) for m in members}
    matched = sum(any(2 * len(a & m) > max(len(a), len(m)) for m in clusters) for a in large)
    homogeneity, completeness, v_measure = metrics.homogeneity_completeness_v_measure(
        label, cluster
    )
    return {
        "pair_precision": ratio(right, len(together), float(not same)),
        "pair_recall": ratio(right, len(same), float(not together)),
        "pair_f1": ratio(2 * right, len(together) + len(same)),
        "rand": metrics.rand_score(label, cluster) if sizes else 1.0,
        "adjusted_rand": metrics.adjusted_rand_score(label, cluster),
        "bcubed_precision": precision,
        "bcubed_recall": recall,
        "bcubed": harmonic(precision, recall),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "v_measure": v_measure,
        "recovered": ratio(len(large & clusters), len(large)),
        "double_majority": ratio(matched, len(large)),
    }


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater:UserWarning")
def test_scores_are_those_of_scikit_learn_and_of_the_definitions(draw_case: Callable) -> None:
    for seed in range(1, 25):
        case = draw_case(seed)
        expected = [expected_scores(*cut[1:], case.min_size) for cut in case.cuts()]
        for name in METRICS:
            found = partition_scores(
                case.tree, case.y, name, unlabelled=case.unlabelled, min_size=case.min_size
            )
            by_cut = [scores[name] for scores in expected]
            assert found.tolist() == pytest.approx(by_cut, abs=1e-9), (seed, name)


def test_scores_of_a_large_tree_stay_between_0_and_1() -> None:
    generator = torch.Generator().manual_seed(0)
    nodes = torch.arange(3000)
    pairs = torch.stack([nodes[:-1], nodes[1:]])
    score = torch.rand(2999, generator=generator)
    tree = single_linkage(
        ScoredPairs(pairs, score), torch.zeros_like(nodes), 1, torch.tensor(0.5), 0.1
    )
    y = torch.randint(7, (3000,), generator=generator)
    scores = {name: partition_scores(tree, y, name) for name in METRICS}
    for name, found in scores.items():
        low, high = found.aminmax()
        least = -1e-3 if name == "adjusted_rand" else -1e-12
        assert least <= float(low) <= float(high) <= 1 + 1e-12, name
    # From single nodes to one cluster.
    assert scores["homogeneity"][[0, -1]].tolist() == pytest.approx([1, 0], abs=1e-9)
    assert float(scores["completeness"][-1]) == 1
    assert scores["bcubed_recall"][[0, -1]].tolist() == pytest.approx([7 / 3000, 1], abs=1e-9)


def test_a_function_of_the_sums_is_a_score(draw_case: Callable) -> None:
    case = draw_case(3)

    def half_f(sums: PartitionSums) -> Tensor:
        return sums.common_pairs / (sums.cluster_pairs + sums.label_pairs).clamp(min=1)

    found = partition_scores(case.tree, case.y, half_f)
    f1 = partition_scores(case.tree, case.y, "pair_f1")
    assert bool((f1 > 0).any())
    torch.testing.assert_close(found, torch.where(f1 < 1, f1 / 2, found))


def test_what_does_not_fit_is_refused() -> None:
    batch = torch.tensor([0, 0, 2, 2])
    pairs, score = torch.tensor([[0, 2], [1, 3]]), torch.tensor([0.5, 0.25])
    tree = single_linkage(ScoredPairs(pairs, score), batch, 3, torch.tensor(0.5), 0.1)
    y = torch.tensor([0, 1, 0, -1])
    for labels, expected in (
        (y[1:], r"'y' to be integers \[4\], one per node \(got int64 of shape \(3,\)\)"),
        (y.double(), r"'y' .* \(got float64 of shape \(4,\)\)"),
        (y[:, None], r"'y' .* \(got int64 of shape \(4, 1\)\)"),
        ([0, 1, 0, 0], r"'y' .* \(got list\)"),
        (y - 1, r"'y' to be at least -1 \(got -2\)"),
        (torch.tensor([0, 1, -1, -1]), r"a node of every graph \(got only -1 in graph 2\)"),
    ):
        with pytest.raises(ValueError, match=expected):
            partition_scores(tree, labels, "rand")
    partition_scores(tree, torch.full((4,), -1), "rand", unlabelled="other")
    with pytest.raises(ValueError, match=r"'metric' to be one of 'pair_precision', .*'dice'"):
        partition_scores(tree, y, "dice")
    with pytest.raises(ValueError, match=r"'unlabelled' to be one of 'ignore', 'other'"):
        partition_scores(tree, y, "rand", unlabelled="noise")
    with pytest.raises(ValueError, match=r"'min_size' to be at least 1 \(got 0\)"):
        partition_scores(tree, y, "rand", min_size=0)
    for metric, expected in (
        (lambda sums: 1.0, r"to return floats \(5,\) \(got 1.0\)"),
        (lambda sums: sums.num_nodes > 0, r"to return floats \(5,\) \(got \(5,\), torch.bool\)"),
        (lambda sums: sums.common_pairs / sums.cluster_pairs, r"to return finite numbers"),
    ):
        with pytest.raises(ValueError, match=f"'metric' {expected}"):
            partition_scores(tree, y, metric)
    for function in (partition_scores, PartitionLoss("rand"), PartitionLoss("pairs")):
        arguments = (y, "rand") if function is partition_scores else (y,)
        with pytest.raises(ValueError, match=r"'tree' to be a Dendrogram, .*\(got Tensor\)"):
            function(tree.cut(), *arguments)
    with pytest.raises(ValueError, match=r"'threshold' to be a number .*\(got BestThreshold\)"):
        tree.cut(best_threshold(tree, y.clamp(min=0), "rand"))
    with pytest.raises(ValueError, match=r"'acyclic' to be False for a dendrogram"):
        ThresholdMergePool(acyclic=True).dendrogram(torch.eye(4), pairs)


def test_labels_may_be_of_any_integer_dtype() -> None:
    tree = ThresholdMergePool().dendrogram(torch.eye(3), torch.tensor([[0, 1], [1, 2]]))
    y = torch.tensor([0, 0, 1])
    expected = partition_scores(tree, y, "rand")
    for dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
        assert partition_scores(tree, y.to(dtype), "rand").equal(expected)
