"""The contingency table of clusters and labels, without its zeros."""

from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor

from pyg_grapheme.graphs import check_integers
from pyg_grapheme.options import expect_count, expect_one_of

UnlabelledName: TypeAlias = Literal["ignore", "other"]
"""The meaning of the label -1: the node is left out, or has a label of its own."""

MatchName: TypeAlias = Literal["double_majority", "perfect", "lhc"]
"""The condition under which a cluster matches a label."""


class Contingency(NamedTuple):
    """The P pairs of a cluster and a label with nodes in common, in B graphs.

    Attributes:
        common: [P], the number of nodes that cluster and label have in common.
        cluster: [P], the cluster of each pair, from 0.
        label: [P], the label of each pair, from 0.
        cluster_size: [C], int64.
        label_size: [V], int64.
        cluster_graph: [C], the graph of each cluster.
        label_graph: [V], the graph of each label.
        is_labelled: [V], False if the label stands for one unlabelled node.
        pair: [N], the pair of each node that counts.
        num_graphs: B.
    """

    common: Tensor
    cluster: Tensor
    label: Tensor
    cluster_size: Tensor
    label_size: Tensor
    cluster_graph: Tensor
    label_graph: Tensor
    is_labelled: Tensor
    pair: Tensor
    num_graphs: int

    def matches(self, match: MatchName) -> Tensor:
        """Return whether each cluster matches the label, [P]; a cluster matches at most one.

        Args:
            match: "double_majority" (cluster and label each hold more than half of the other),
                "perfect" (they are equal) or "lhc" (the label holds more than 75 % of the cluster).
        """
        a, b = self.cluster_size[self.cluster], self.label_size[self.label]
        if match == "double_majority":
            return (2 * self.common > a) & (2 * self.common > b)
        if match == "perfect":
            return (self.common == a) & (self.common == b)
        return 4 * self.common > 3 * a


def contingency(
    cluster: Tensor,
    y: Tensor,
    batch: Tensor | None = None,
    *,
    batch_size: int | None = None,
    unlabelled: UnlabelledName = "ignore",
) -> Contingency:
    """Count the nodes that each cluster and each label have in common.

    Args:
        cluster: [N], the cluster of each node: integers of at least 0. Equal ones in different
            graphs are different clusters.
        y: [N], the label of each node, likewise; -1 if it has none.
        batch: [N], the graph of each node; one graph if None.
        batch_size: B; one more than the largest of ``batch`` if None.
        unlabelled: "ignore" leaves unlabelled nodes out, "other" makes each a label of its own.

    Raises:
        ValueError: if an argument is not as described.

    Cost: O(N log N).
    """
    expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
    cluster = check_integers("cluster", cluster, low=0)
    y = check_integers("y", y, low=-1, size=cluster.numel(), device=cluster.device)
    batch, num_graphs = _check_batch(batch, batch_size, cluster)
    if unlabelled == "ignore":
        counts = y >= 0
        cluster, y, batch = cluster[counts], y[counts], batch[counts]
    is_labelled = y >= 0
    # Ids may be large, such as hashes: consecutive ones keep the keys below 2^63.
    y = torch.unique(y, return_inverse=True)[1]
    y = torch.where(is_labelled, y, y.numel() + torch.arange(y.numel(), device=y.device))
    cluster = torch.unique(cluster, return_inverse=True)[1]
    cluster_graph, _, cluster, cluster_size = _group(batch, cluster)
    label_graph, _, label, label_size = _group(batch, y)
    pair_cluster, pair_label, pair, common = _group(cluster, label)
    of_label = torch.zeros_like(label_size, dtype=torch.bool)
    of_label[label] = is_labelled
    return Contingency(
        common,
        pair_cluster,
        pair_label,
        cluster_size,
        label_size,
        cluster_graph,
        label_graph,
        of_label,
        pair,
        num_graphs,
    )


def _check_batch(batch: object, batch_size: int | None, cluster: Tensor) -> tuple[Tensor, int]:
    """Return the graph of each node [N], and B."""
    size = None if batch_size is None else expect_count("batch_size", batch_size, low=0)
    if batch is None:
        batch, given = torch.zeros_like(cluster), 1
    else:
        batch = check_integers("batch", batch, low=0, size=cluster.numel(), device=cluster.device)
        given = int(batch.max()) + 1 if batch.numel() else 0
    if size is not None and size < given and batch.numel():
        raise ValueError(f"Expected 'batch_size' to be at least {given} (got {size})")
    return batch, given if size is None else size


def _group(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the distinct pairs as two tensors [P], the pair of each element [N], the sizes [P]."""
    width = int(second.max()) + 1 if second.numel() else 1
    key, index, size = torch.unique(first * width + second, return_inverse=True, return_counts=True)
    return key // width, key % width, index, size
