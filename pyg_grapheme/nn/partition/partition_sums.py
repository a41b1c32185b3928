"""Sums over clusters and labels of all cuts of a dendrogram: what partition scores consist of."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.sums import PartitionSums
from pyg_grapheme.nn.partition.labelled_tree import LabelledTree, labelled_tree
from pyg_grapheme.nn.partition.meetings import Meetings, common_pairs, meetings
from pyg_grapheme.nn.partition.recovered_labels import RecoveredLabels, recovered_labels
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_count

_NUM_CONSTANTS = 5
"""The first of the sums are those of the graph, the same for all of its cuts."""


def partition_sums(
    tree: Dendrogram, y: Tensor, *, unlabelled: UnlabelledName = "ignore", min_size: int = 1
) -> PartitionSums:
    """Compute the sums of every cut of every graph.

    Each merge changes a sum by what the two clusters and the parts of labels in them add; a cut has
    the sum of the changes of the merges up to its last step.

    Args:
        tree: R cuts of B graphs of N nodes.
        y: [N] integers, the label of each node, compared inside graphs alone; -1 if it has none.
        unlabelled: "ignore" leaves nodes without label out, of cluster sizes too; "other" makes
            each a label of its own.
        min_size: Smallest size of a label that ``num_labels``, ``recovered`` and
            ``double_majority`` count.

    Returns:
        Sums [R], in the order of ``tree.probability``.

    Raises:
        ValueError: if ``y`` has another length or dtype, labels below -1, or, with "ignore", no
            label in a graph that has nodes.

    Differentiation: piecewise constant, without a gradient.
    Cost: O((N + K) log N), one loop over the merges on the CPU.

    >>> from pyg_grapheme.nn import ThresholdMergePool
    >>> x, edge_index = torch.eye(3), torch.tensor([[0, 1], [1, 2]])
    >>> score = torch.tensor([0.9, 0.2])
    >>> tree = ThresholdMergePool().dendrogram(x, edge_index, edge_score=score)
    >>> sums = partition_sums(tree, torch.tensor([0, 0, 1]))
    >>> sums.num_clusters  # of the cuts with no merge, one and two
    tensor([3., 2., 1.], dtype=torch.float64)
    >>> sums.common_pairs, sums.cluster_pairs
    (tensor([0., 1., 1.], dtype=torch.float64), tensor([0., 1., 3.], dtype=torch.float64))
    """
    min_size = expect_count("min_size", min_size)
    labelled = labelled_tree(tree, y, unlabelled)
    events = meetings(labelled)
    recovered = recovered_labels(labelled, events, min_size)
    sums = _sums_of_nodes(labelled, recovered, min_size, tree.num_steps.numel())
    # Merges are ordered by graph and step: each cut has those before a number, from another on.
    ptr = cumsum(tree.num_steps + 1)
    cut_of_merge = ptr.index_select(0, tree.graph) + tree.step
    end = torch.bincount(cut_of_merge, minlength=tree.num_cuts).cumsum(0)
    graph = tree.cut_graph
    start = end.index_select(0, ptr.index_select(0, graph))
    by_cut = _columns(torch.stack(sums), graph)
    total = cumsum(_changes(labelled, events, recovered), dim=1)
    by_cut[_NUM_CONSTANTS:] += _columns(total, end) - _columns(total, start)
    return with_exact_zeros(PartitionSums(*by_cut))


def with_exact_zeros(sums: PartitionSums) -> PartitionSums:
    """Return sums whose entropies are 0 where the numbers of pairs, which are exact, say so."""
    return sums._replace(
        cluster_entropy=sums.cluster_entropy.masked_fill(sums.cluster_pairs == sums.num_pairs, 0),
        cluster_given_label=sums.cluster_given_label.masked_fill(
            sums.common_pairs == sums.label_pairs, 0
        ),
        label_given_cluster=sums.label_given_cluster.masked_fill(
            sums.common_pairs == sums.cluster_pairs, 0
        ),
    )


def _columns(rows: Tensor, index: Tensor) -> Tensor:
    # index_select takes four times as long along this dimension.
    return rows.gather(1, index.expand(rows.size(0), -1))


def _sums_of_nodes(
    tree: LabelledTree, recovered: RecoveredLabels, min_size: int, num_graphs: int
) -> PartitionSums:
    """The sums [B] of the cut of each graph into single nodes."""
    of_label = tree.label_size.double()
    rows = torch.stack(
        [
            of_label,
            torch.ones_like(of_label),
            (of_label >= min_size).double(),
            of_label * (of_label - 1) / 2,
            torch.xlogy(of_label, of_label),
            recovered.at_start.double(),
        ]
    )
    size, num_labels, num_large, label_pairs, label_log, singles = scatter(
        rows, tree.label_graph, dim=1, dim_size=num_graphs
    )
    node_log, zero = torch.xlogy(size, size), torch.zeros_like(size)
    return PartitionSums(
        num_nodes=size,
        num_labels=num_large,
        num_pairs=size * (size - 1) / 2,
        label_pairs=label_pairs,
        label_entropy=node_log - label_log,
        num_clusters=size,
        cluster_pairs=zero,
        common_pairs=zero,
        precision=size,
        recall=num_labels,
        cluster_entropy=node_log,
        cluster_given_label=label_log,
        label_given_cluster=zero,
        recovered=singles,
        double_majority=singles,
    )


def _changes(tree: LabelledTree, events: Meetings, recovered: RecoveredLabels) -> Tensor:
    """The change at each merge of the sums that change, [10, K]."""
    left, right = (tree.split - tree.start).double(), (tree.end - tree.split).double()
    part, other = events.left.double(), events.right.double()
    recall = 2 * part * other / tree.label_size.index_select(0, events.label)
    none = torch.zeros_like(left)
    log = _log_change(left, right)
    common_log = none.index_add(0, events.merge, _log_change(part, other))
    common = common_pairs(tree, events)
    # The pairs in a cluster are those that meet between its positions.
    at_position = F.pad(common, (0, 1)).index_select(0, tree.merge_at).cumsum(0)

    def precision(first: Tensor, last: Tensor) -> Tensor:
        size = last - first
        inside = (last - 1).clamp(min=0)
        pairs = at_position.index_select(0, inside) - at_position.index_select(0, first)
        return torch.where(size > 0, 1 + 2 * pairs / size.clamp(min=1), 0)

    return torch.stack(
        [
            -torch.minimum(left, right).clamp(max=1),
            left * right,
            common,
            precision(tree.start, tree.end)
            - precision(tree.start, tree.split)
            - precision(tree.split, tree.end),
            none.index_add(0, events.merge, recall),
            -log,
            -common_log,
            log - common_log,
            recovered.exact,
            recovered.majority,
        ]
    )


def _log_change(left: Tensor, right: Tensor) -> Tensor:
    """The change of the sum of a log a where two sizes become one."""
    both = left + right
    return torch.xlogy(both, both) - torch.xlogy(left, left) - torch.xlogy(right, right)
