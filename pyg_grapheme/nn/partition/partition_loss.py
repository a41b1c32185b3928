"""The loss whose expectation is the reported score of a partition."""

from typing import get_args

import torch
from torch import Tensor, nn

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.scores import PartitionScore, check_scores, resolve_metric
from pyg_grapheme.metrics.partition.sums import PartitionSums
from pyg_grapheme.nn.partition.labelled_tree import check_tree
from pyg_grapheme.nn.partition.pair_likelihood import meeting_pairs, pair_log_likelihood
from pyg_grapheme.nn.partition.partition_sums import partition_sums
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_count, expect_flag, expect_one_of


class PartitionLoss(nn.Module):
    r"""Train scores and threshold for the partition that they lead to.

    Every score of a partition is constant on each cut of the dendrogram, so its expectation over
    the noisy threshold is a finite sum, exact and smooth. The loss is 1 - E[score].

    "pairs" is a likelihood instead: two nodes that first meet at height h are in one cluster with
    probability :math:`\sigma((h - \tau) / T)`; the loss is the negative log likelihood of the
    labels of all labelled pairs, divided by max(1, the number of pairs of one label). Pairs that
    never meet are left out; ``meeting_pairs`` counts them. It does not saturate, so it also trains
    scores that are still wrong.

    A sum of objectives is the sum of their losses.

    Args:
        objective: "pairs"; or a score, for the loss 1 - E[score]: "pair_precision", "pair_recall",
            "pair_f1", "rand", "adjusted_rand", "bcubed_precision", "bcubed_recall", "bcubed",
            "homogeneity", "completeness", "v_measure", "recovered" or "double_majority", which
            :func:`~pyg_grapheme.metrics.clustering_score` defines, or a function of
            ``PartitionSums`` that returns scores.
        pooled: Return one loss for all graphs: the score of the expected sums over all graphs, as a
            score over a data set is reported. It is not the expectation of that score. If
            ``torch.distributed`` is initialised, the sums are those of all processes, all of which
            must call the loss.
        unlabelled: "ignore" leaves nodes labelled -1 out, of cluster sizes too; "other" makes each
            a label of its own, such as noise.
        min_size: "recovered" and "double_majority" leave out labels of fewer nodes; their nodes
            still count in cluster sizes. The other objectives take it without effect, so that one
            set of options does for several.

    Shapes:
        tree of N nodes in B graphs, y [N] integers -> [B], or a scalar with ``pooled=True``.

    Raises:
        ValueError: if an option is invalid; if ``y`` has another length or dtype, labels below -1,
            or, with "ignore", no label in a graph that has nodes.

    Differentiation: exact in the threshold, and in the heights wherever no two of them tie; see
        ``Dendrogram``. Labels and sums have no gradient.
    Cost: O(N log N), one loop over the merges on the CPU.

    Example:
        >>> from pyg_grapheme.nn import ThresholdMergePool
        >>> pool = ThresholdMergePool(threshold=0.9)
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> tree = pool.dendrogram(x, torch.tensor([[0, 1], [1, 2]]))
        >>> loss = PartitionLoss("pair_f1")(tree, torch.tensor([0, 0, 1]))
        >>> loss.shape
        torch.Size([1])
        >>> loss.sum().backward()
        >>> pool.raw_threshold.grad > 0
        tensor(True)
    """

    def __init__(
        self,
        objective: str | PartitionScore,
        *,
        pooled: bool = False,
        unlabelled: UnlabelledName = "ignore",
        min_size: int = 1,
    ) -> None:
        super().__init__()
        expect_flag("pooled", pooled)
        expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
        self.objective, self.pooled, self.unlabelled = objective, pooled, unlabelled
        self.min_size = expect_count("min_size", min_size)
        if objective != "pairs":
            resolve_metric("objective", objective, others=("pairs",))

    def forward(self, tree: Dendrogram, y: Tensor) -> Tensor:
        """Return the loss of the partition of each graph, or of all.

        Args:
            tree: Of any linkage, from ``ThresholdMergePool.dendrogram``.
            y: [N] integers, compared inside graphs alone; -1 for nodes without label.
        """
        wide = check_tree(tree)._replace(
            step_height=tree.step_height.double(), threshold=tree.threshold.double()
        )
        loss = self._pairs(wide, y) if self.objective == "pairs" else self._score(wide, y)
        return loss.to(tree.step_height.dtype)

    def _pairs(self, tree: Dendrogram, y: Tensor) -> Tensor:
        pairs = meeting_pairs(tree, y, unlabelled=self.unlabelled)
        sums = torch.stack([pair_log_likelihood(tree, pairs), pairs.num_same])
        sums = _sum_over_processes(sums.sum(1)) if self.pooled else sums
        return -sums[0] / sums[1].clamp(min=1)

    def _score(self, tree: Dendrogram, y: Tensor) -> Tensor:
        metric = resolve_metric("objective", self.objective)
        sums = partition_sums(tree, y, unlabelled=self.unlabelled, min_size=self.min_size)
        if not self.pooled:
            return 1 - tree.expectation(check_scores("objective", metric(sums), sums))
        expected = (torch.stack(sums) * tree.probability).sum(1)
        pooled = PartitionSums(*_sum_over_processes(expected))
        return 1 - check_scores("objective", metric(pooled), pooled)

    def extra_repr(self) -> str:
        """Return the options, for ``repr``."""
        return (
            f"{self.objective!r}, pooled={self.pooled}, unlabelled={self.unlabelled!r}, "
            f"min_size={self.min_size}"
        )


def _sum_over_processes(value: Tensor) -> Tensor:
    """Add up a tensor over all processes, differentiably.

    The gradient is that of this process times the number of processes: all compute the same loss
    from the sum, and ``DistributedDataParallel`` averages their gradients.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    total = value.detach().clone()
    torch.distributed.all_reduce(total)
    return total + torch.distributed.get_world_size() * (value - value.detach())
