"""Scores of a clustering against labels, as functions of sums."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from torch import Tensor

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.ratio import ratio
from pyg_grapheme.metrics.partition.sums import PartitionSums, clustering_sums
from pyg_grapheme.options import expect_one_of

PartitionScore: TypeAlias = Callable[[PartitionSums], Tensor]
"""From sums, of any shape, to scores of that shape."""


def clustering_score(
    cluster: Tensor,
    y: Tensor,
    metric: str | PartitionScore,
    batch: Tensor | None = None,
    *,
    batch_size: int | None = None,
    unlabelled: UnlabelledName = "ignore",
    min_size: int = 1,
    counted: Tensor | None = None,
) -> Tensor:
    """Score the clustering of each graph against the labels of its nodes.

    A graph has N nodes, a cluster a, a label b, n of which are in the cluster. Of all T pairs of
    nodes, A are in one cluster, B have one label, I both.

    =======================================  =====================================================
    metric                                   value
    =======================================  =====================================================
    "pair_precision"                         I / A
    "pair_recall"                            I / B
    "pair_f1"                                their harmonic mean, 2 I / (A + B)
    "rand"                                   (T + 2 I - A - B) / T (Rand 1971)
    "adjusted_rand"                          (I - A B / T) / ((A + B) / 2 - A B / T) (Hubert and
                                             Arabie 1985)
    "bcubed_precision"                       mean over nodes of n / a (Bagga and Baldwin 1998)
    "bcubed_recall"                          mean over nodes of n / b
    "bcubed"                                 their harmonic mean
    "homogeneity"                            mutual information over the entropy of the labels
                                             (Rosenberg and Hirschberg 2007)
    "completeness"                           mutual information over the entropy of the clusters
    "v_measure"                              their harmonic mean
    "recovered"                              share of the labels that are a cluster
    "double_majority"                        share of the labels that are more than half of a
                                             cluster and have more than half of their nodes there
    =======================================  =====================================================

    A quotient 0 / 0 is 1 if nothing is joined (or counted) on either side, else 0. Homogeneity is 1
    if there is one label, completeness if there is one cluster, as in scikit-learn.

    Args:
        cluster: [N], the cluster of each node: integers of at least 0. Equal ones in different
            graphs are different clusters.
        y: [N], the label of each node, likewise; -1 if it has none.
        metric: One of the above, or a function of :class:`PartitionSums`.
        batch: [N], the graph of each node; one graph if None.
        batch_size: B; one more than the largest of ``batch`` if None.
        unlabelled: "ignore" leaves nodes without label out, of cluster sizes too; "other" makes
            each a label of its own. A graph in which no node counts has scores of 0 / 0.
        min_size: "recovered" and "double_majority" leave out labels of fewer nodes; their nodes
            still count in cluster sizes.
        counted: [N], bool, the nodes that are scored; the others only take part in clusters and
            labels. A pair or a label counts if one of its nodes does; see :class:`PartitionSums`.
            Homogeneity and completeness can then be below 0. All if None.

    Returns:
        [B], in float64.

    Raises:
        ValueError: if an argument is not as described.

    Differentiation: none.
    Cost: O(N log N) time, O(N) memory: there is no table of clusters by labels.

    Example:
        >>> import torch
        >>> cluster, y = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([5, 5, 7, 7, -1])
        >>> clustering_score(cluster, y, "pair_precision").item() == 1 / 3
        True
        >>> clustering_score(cluster, y, "pair_precision", unlabelled="other").item() == 1 / 4
        True
    """
    score = resolve_metric("metric", metric)
    sums = clustering_sums(
        cluster,
        y,
        batch,
        batch_size=batch_size,
        unlabelled=unlabelled,
        min_size=min_size,
        counted=counted,
    )
    return check_scores("metric", score(sums), sums)


def resolve_metric(
    name: str, metric: str | PartitionScore, others: tuple[str, ...] = ()
) -> PartitionScore:
    """Return the function of a metric; refuse an unknown one, and list the names.

    Args:
        name: Name of the argument, for the error.
        metric: One of ``METRICS``, or a function.
        others: Further names that the argument may have.
    """
    if callable(metric):
        return metric
    expect_one_of(name, metric, (*others, *METRICS))
    return METRICS[metric]


def check_scores(name: str, score: object, sums: PartitionSums) -> Tensor:
    """Return the scores of a metric; refuse all but finite floats of the shape of the sums."""
    shape = sums.num_nodes.shape
    if not isinstance(score, Tensor) or score.shape != shape or not score.is_floating_point():
        got = f"{tuple(score.shape)}, {score.dtype}" if isinstance(score, Tensor) else score
        raise ValueError(f"Expected '{name}' to return floats {tuple(shape)} (got {got})")
    if not bool(score.isfinite().all()):
        raise ValueError(f"Expected '{name}' to return finite numbers (got NaN or infinity)")
    return score


def _pair_precision(sums: PartitionSums) -> Tensor:
    return ratio(sums.common_pairs, sums.cluster_pairs, (sums.label_pairs == 0).double())


def _pair_recall(sums: PartitionSums) -> Tensor:
    return ratio(sums.common_pairs, sums.label_pairs, (sums.cluster_pairs == 0).double())


def _pair_f1(sums: PartitionSums) -> Tensor:
    return ratio(2 * sums.common_pairs, sums.cluster_pairs + sums.label_pairs)


def _rand(sums: PartitionSums) -> Tensor:
    wrong = sums.cluster_pairs + sums.label_pairs - 2 * sums.common_pairs
    return 1 - ratio(wrong, sums.num_pairs, 0.0)


def _adjusted_rand(sums: PartitionSums) -> Tensor:
    # In terms of the pair confusion matrix, whose degenerate cases are exact zeros.
    together, joined, same = sums.common_pairs, sums.cluster_pairs, sums.label_pairs
    apart = sums.num_pairs - joined - same + together
    product = together * apart - (joined - together) * (same - together)
    scale = same * (sums.num_pairs - joined) + joined * (sums.num_pairs - same)
    return ratio(2 * product, scale)


def _bcubed_precision(sums: PartitionSums) -> Tensor:
    return ratio(sums.precision, sums.num_nodes)


def _bcubed_recall(sums: PartitionSums) -> Tensor:
    return ratio(sums.recall, sums.num_nodes)


def _bcubed(sums: PartitionSums) -> Tensor:
    product = 2 * sums.precision * sums.recall
    return ratio(product, (sums.precision + sums.recall) * sums.num_nodes)


def _homogeneity(sums: PartitionSums) -> Tensor:
    return 1 - ratio(sums.label_given_cluster, sums.label_entropy, 0.0)


def _completeness(sums: PartitionSums) -> Tensor:
    return 1 - ratio(sums.cluster_given_label, sums.cluster_entropy, 0.0)


def _v_measure(sums: PartitionSums) -> Tensor:
    homogeneity, completeness = _homogeneity(sums), _completeness(sums)
    return ratio(2 * homogeneity * completeness, homogeneity + completeness, 0.0)


def _recovered(sums: PartitionSums) -> Tensor:
    return ratio(sums.recovered, sums.num_labels)


def _double_majority(sums: PartitionSums) -> Tensor:
    return ratio(sums.double_majority, sums.num_labels)


ScoreName: TypeAlias = Literal[
    "pair_precision",
    "pair_recall",
    "pair_f1",
    "rand",
    "adjusted_rand",
    "bcubed_precision",
    "bcubed_recall",
    "bcubed",
    "homogeneity",
    "completeness",
    "v_measure",
    "recovered",
    "double_majority",
]
"""The names of the scores."""

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
"""The scores by name."""
