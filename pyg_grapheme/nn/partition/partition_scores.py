"""Scores of all cuts of a dendrogram."""

from torch import Tensor

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.scores import PartitionScore, check_scores, resolve_metric
from pyg_grapheme.nn.partition.partition_sums import partition_sums
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram


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
        metric: One of ``METRICS``, or a function of ``PartitionSums``.
        unlabelled: "ignore" leaves nodes without label out, of cluster sizes too; "other" makes
            each a label of its own.
        min_size: "recovered" and "double_majority" leave out labels of fewer nodes; their nodes
            still count in cluster sizes.

    Returns:
        [R], in float64, in the order of ``tree.probability``.

    Raises:
        ValueError: if the metric is unknown, or the labels are not as :func:`partition_sums`
            expects them.

    Differentiation: none; a score is constant as long as its cut exists. Its expectation,
        ``tree.expectation(scores)``, is differentiable.
    Cost: O(N log N), one loop over the merges on the CPU.

    >>> import torch
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
