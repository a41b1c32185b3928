"""The sums over clusters and labels that scores of a clustering are made of."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.metrics.partition.contingency import Contingency, UnlabelledName, contingency
from pyg_grapheme.options import expect_count


class PartitionSums(NamedTuple):
    """Sums over the clusters and the labels of a graph, in float64.

    A graph has N nodes, a cluster a, a label b, n of which are in the cluster. All are sums over
    nodes or pairs of nodes of one graph, so they can be added up over graphs. The
    first five depend on the labels alone.

    If only some nodes are counted, N, a, b and n are still numbers of all nodes, but sums run over
    counted nodes (with n / a, not n^2 / a, for each), over pairs with at least one of them, and
    over labels and clusters with at least one of them; ``num_nodes`` is their number.

    Attributes:
        num_nodes: N.
        num_labels: Number of labels of at least ``min_size`` nodes.
        num_pairs: N (N - 1) / 2, all pairs.
        label_pairs: Sum of b (b - 1) / 2, the pairs of one label.
        label_entropy: Sum of b log (N / b), N times the entropy of the labels.
        num_clusters: Number of clusters.
        cluster_pairs: Sum of a (a - 1) / 2, the pairs in one cluster.
        common_pairs: Sum of n (n - 1) / 2, the pairs of one label in one cluster.
        precision: Sum of n^2 / a, N times the B-cubed precision.
        recall: Sum of n^2 / b, N times the B-cubed recall.
        cluster_entropy: Sum of a log (N / a), N times the entropy of the clusters.
        cluster_given_label: Sum of n log (b / n), N times the conditional entropy.
        label_given_cluster: Sum of n log (a / n), likewise.
        recovered: Number of labels counted in ``num_labels`` that are a cluster: n = a = b.
        double_majority: Number of these labels of which a cluster holds more than half, and which
            are more than half of the cluster: 2 n > a and 2 n > b.
    """

    num_nodes: Tensor
    num_labels: Tensor
    num_pairs: Tensor
    label_pairs: Tensor
    label_entropy: Tensor
    num_clusters: Tensor
    cluster_pairs: Tensor
    common_pairs: Tensor
    precision: Tensor
    recall: Tensor
    cluster_entropy: Tensor
    cluster_given_label: Tensor
    label_given_cluster: Tensor
    recovered: Tensor
    double_majority: Tensor


def clustering_sums(
    cluster: Tensor,
    y: Tensor,
    batch: Tensor | None = None,
    *,
    batch_size: int | None = None,
    unlabelled: UnlabelledName = "ignore",
    min_size: int = 1,
    counted: Tensor | None = None,
) -> PartitionSums:
    """Compute the sums of which every score of a clustering is a function.

    Args:
        cluster: [N], the cluster of each node: integers of at least 0.
        y: [N], the label of each node, likewise; -1 if it has none.
        batch: [N], the graph of each node; one graph if None.
        batch_size: B; one more than the largest of ``batch`` if None.
        unlabelled: "ignore" leaves unlabelled nodes out, "other" makes each a label of its own.
        min_size: Smallest size of a label that ``num_labels``, ``recovered`` and
            ``double_majority`` count.
        counted: [N], bool, the nodes to sum over; the others only take part in clusters and
            labels. All if None.

    Returns:
        Sums [B].

    Raises:
        ValueError: if an argument is not as described.

    Differentiation: none.
    Cost: O(N log N) time, O(N) memory.

    >>> sums = clustering_sums(torch.tensor([0, 0, 0]), torch.tensor([0, 0, 1]))
    >>> sums.common_pairs, sums.cluster_pairs  # 1 of the 3 pairs in the cluster has one label
    (tensor([1.], dtype=torch.float64), tensor([3.], dtype=torch.float64))
    """
    expect_count("min_size", min_size)
    table = contingency(cluster, y, batch, batch_size=batch_size, unlabelled=unlabelled)
    if counted is None:
        return _sums(table, table.common.double(), min_size)
    counted = _check_counted(counted, cluster)
    counted = counted[y >= 0] if unlabelled == "ignore" else counted
    weight = torch.bincount(table.pair[counted], minlength=table.common.numel())
    return _sums(table, weight.double(), min_size)


def _sums(table: Contingency, w: Tensor, min_size: int) -> PartitionSums:
    """Return the sums, given the number w [P] of counted nodes of each pair of the table."""

    def by_graph(value: Tensor, graph: Tensor) -> Tensor:
        summed: Tensor = scatter(value.double(), graph, dim_size=table.num_graphs)
        return summed

    def by_cluster(value: Tensor) -> Tensor:
        return by_graph(value, table.cluster_graph)

    def by_label(value: Tensor) -> Tensor:
        return by_graph(value, table.label_graph)

    def by_pair(value: Tensor) -> Tensor:
        return by_graph(value, table.label_graph[table.label])

    a, b, n = table.cluster_size.double(), table.label_size.double(), table.common.double()
    w_of_cluster: Tensor = scatter(w, table.cluster, dim_size=a.numel())
    w_of_label: Tensor = scatter(w, table.label, dim_size=b.numel())
    a_of_pair, b_of_pair = a[table.cluster], b[table.label]
    is_counted = (table.label_size >= min_size) & (w_of_label > 0)
    size, num_counted = by_label(b), by_label(w_of_label)
    return PartitionSums(
        num_nodes=num_counted,
        num_labels=by_label(is_counted),
        num_pairs=_pairs(num_counted, size),
        label_pairs=by_label(_pairs(w_of_label, b)),
        label_entropy=by_label(w_of_label.xlogy(size[table.label_graph] / b)),
        num_clusters=by_cluster(w_of_cluster > 0),
        cluster_pairs=by_cluster(_pairs(w_of_cluster, a)),
        common_pairs=by_pair(_pairs(w, n)),
        precision=by_pair(w * n / a_of_pair),
        recall=by_pair(w * n / b_of_pair),
        cluster_entropy=by_cluster(w_of_cluster.xlogy(size[table.cluster_graph] / a)),
        cluster_given_label=by_pair(w.xlogy(b_of_pair / n)),
        label_given_cluster=by_pair(w.xlogy(a_of_pair / n)),
        recovered=by_pair(table.matches("perfect") & is_counted[table.label]),
        double_majority=by_pair(table.matches("double_majority") & is_counted[table.label]),
    )


def _pairs(counted: Tensor, size: Tensor) -> Tensor:
    """Return the number of pairs of ``size`` nodes of which at least one is counted."""
    return counted * (2 * size - counted - 1) / 2


def _check_counted(counted: object, cluster: Tensor) -> Tensor:
    if (
        not isinstance(counted, Tensor)
        or counted.dtype != torch.bool
        or counted.shape != cluster.shape
        or counted.device != cluster.device
    ):
        got = type(counted).__name__
        if isinstance(counted, Tensor):
            dtype = str(counted.dtype).removeprefix("torch.")
            got = f"{dtype} of shape {tuple(counted.shape)} on {counted.device}"
        raise ValueError(
            f"Expected 'counted' to be a bool tensor [{cluster.numel()}] on {cluster.device}, one "
            f"per node (got {got})"
        )
    return counted
