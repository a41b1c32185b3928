"""Scores of partitions, from their sums."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from pyg_grapheme.nn.partition.labelled_tree import UnlabelledName
from pyg_grapheme.nn.partition.partition_sums import PartitionSums, partition_sums
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_one_of

PartitionScore: TypeAlias = Callable[[PartitionSums], Tensor]
"""From sums, of any shape, to scores of that shape."""


def partition_scores(
    tree: Dendrogram,
    y: Tensor,
    metric: str | PartitionScore,
    *,
    unlabelled: UnlabelledName = "ignore",
    min_size: int = 1,
) -> Tensor:
    """Score every cut of every graph against the labels of the nodes.

    Args:
        tree: R cuts of B graphs of N nodes, of any linkage.
        y: [N] integers, the label of each node, compared inside graphs alone; -1 if it has none.
        metric: One of ``METRICS``, or a function of :class:`PartitionSums`.
        unlabelled: "ignore" leaves nodes without label out, of cluster sizes too; "other" makes
            each a label of its own.
        min_size: Labels of fewer nodes count neither above nor below the line in "recovered" and
            "double_majority"; their nodes still count in cluster sizes.

    Returns:
        [R], in float64, in the order of ``tree.probability``.

    Raises:
        ValueError: if the metric is unknown, or the labels are not as :func:`partition_sums`
            expects them.

    Differentiation: none; a score is constant as long as its cut exists. Its expectation,
        ``tree.expectation(scores)``, is differentiable.
    Cost: O(N log N), one loop over the merges on the CPU.

    >>> from pyg_grapheme.nn import ThresholdMergePool
    >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> edge_index = torch.tensor([[0, 1], [1, 2]])
    >>> tree = ThresholdMergePool().dendrogram(x, edge_index)
    >>> partition_scores(tree, torch.tensor([0, 0, 1]), "pair_f1")
    tensor([0.0000, 1.0000, 0.5000], dtype=torch.float64)
    """
    score = resolve_metric("metric", metric)
    sums = partition_sums(tree, y, unlabelled=unlabelled, min_size=min_size)
    return check_scores("metric", score(sums), sums)


def resolve_metric(
    name: str, metric: str | PartitionScore, others: tuple[str, ...] = ()
) -> PartitionScore:
    """Return the function of a metric; refuse an unknown one, and list the names.

    Args:
        name: Of the argument, for the error.
        metric: One of ``METRICS``, or a function.
        others: Further names that the argument may have.
    """
    if callable(metric):
        return metric
    expect_one_of(name, metric, (*others, *METRICS))
    return METRICS[metric]


def check_scores(name: str, score: object, sums: PartitionSums) -> Tensor:
    """Return the scores of a metric; refuse any other shape than that of the sums."""
    shape = sums.num_nodes.shape
    if not isinstance(score, Tensor) or score.shape != shape:
        got = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
        raise ValueError(f"Expected '{name}' to return a tensor {tuple(shape)} (got {got})")
    return score


def _ratio(part: Tensor, whole: Tensor, empty: Tensor | float = 1.0) -> Tensor:
    """Part over whole; ``empty`` where the whole is 0."""
    none = whole == 0
    return torch.where(none, empty, part / whole.masked_fill(none, 1))


def _pair_precision(sums: PartitionSums) -> Tensor:
    return _ratio(sums.common_pairs, sums.cluster_pairs, (sums.label_pairs == 0).double())


def _pair_recall(sums: PartitionSums) -> Tensor:
    return _ratio(sums.common_pairs, sums.label_pairs, (sums.cluster_pairs == 0).double())


def _pair_f1(sums: PartitionSums) -> Tensor:
    return _ratio(2 * sums.common_pairs, sums.cluster_pairs + sums.label_pairs)


def _rand(sums: PartitionSums) -> Tensor:
    wrong = sums.cluster_pairs + sums.label_pairs - 2 * sums.common_pairs
    return 1 - _ratio(wrong, sums.num_pairs, 0.0)


def _adjusted_rand(sums: PartitionSums) -> Tensor:
    # In terms of the pair confusion matrix, whose degenerate cases are exact zeros.
    together, joined, same = sums.common_pairs, sums.cluster_pairs, sums.label_pairs
    apart = sums.num_pairs - joined - same + together
    product = together * apart - (joined - together) * (same - together)
    scale = same * (sums.num_pairs - joined) + joined * (sums.num_pairs - same)
    return _ratio(2 * product, scale)


def _bcubed_precision(sums: PartitionSums) -> Tensor:
    return _ratio(sums.precision, sums.num_nodes)


def _bcubed_recall(sums: PartitionSums) -> Tensor:
    return _ratio(sums.recall, sums.num_nodes)


def _bcubed(sums: PartitionSums) -> Tensor:
    product = 2 * sums.precision * sums.recall
    return _ratio(product, (sums.precision + sums.recall) * sums.num_nodes)


def _homogeneity(sums: PartitionSums) -> Tensor:
    return 1 - _ratio(sums.label_given_cluster, sums.label_entropy, 0.0)


def _completeness(sums: PartitionSums) -> Tensor:
    return 1 - _ratio(sums.cluster_given_label, sums.cluster_entropy, 0.0)


def _v_measure(sums: PartitionSums) -> Tensor:
    homogeneity, completeness = _homogeneity(sums), _completeness(sums)
    return _ratio(2 * homogeneity * completeness, homogeneity + completeness, 0.0)


def _recovered(sums: PartitionSums) -> Tensor:
    return _ratio(sums.recovered, sums.num_labels)


def _double_majority(sums: PartitionSums) -> Tensor:
    return _ratio(sums.double_majority, sums.num_labels)


METRICS: Mapping[str, PartitionScore] = MappingProxyType(
    {
        "pair_precision": _pair_precision,
        "pair_recall": _pair_recall,
        "pair_f1": _pair_f1,
        "rand": _rand,
        "adjusted_rand": _adjusted_rand,
        "bcubed_precision": _bcubed_precision,
        "bcubed_recall": _bcubed_recall,
        "bcubed": _bcubed,
        "homogeneity": _homogeneity,
        "completeness": _completeness,
        "v_measure": _v_measure,
        "recovered": _recovered,
        "double_majority": _double_majority,
    }
)
"""The scores by name: pairs of one label (precision, recall, F1, Rand, adjusted Rand); B-cubed
precision, recall and F1 ("bcubed"); homogeneity, completeness and their harmonic mean; the share
of labels that are a cluster ("recovered"), and of those that match one by majorities on both sides
("double_majority"). 0/0 is 1 where clusters and labels are both empty, else 0."""
