"""Scores of clusterings against labels, for torchmetrics."""

from typing import Any, get_args

from torch import Tensor

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.score_of_sums import ScoreOfSums
from pyg_grapheme.metrics.partition.scores import PartitionScore, check_scores, resolve_metric
from pyg_grapheme.metrics.partition.sums import PartitionSums, clustering_sums
from pyg_grapheme.options import expect_count, expect_one_of


class ClusteringScore(ScoreOfSums):
    """A score of the clusterings of graphs against the labels of their nodes.

    Args:
        metric: Name of a score, or a function of :class:`PartitionSums`.
        pooled: False for the mean of the scores over graphs, True for the score of the sums over
            all graphs. Pairs of nodes in different graphs do not count in either.
        unlabelled: "ignore" leaves nodes without label out, of cluster sizes too; "other" makes
            each a label of its own.
        min_size: Smallest size of a label that "recovered" and "double_majority" count.
        kwargs: Options of ``torchmetrics.Metric``.

    See :func:`clustering_score`.

    Example:
        >>> import torch
        >>> metric = ClusteringScore("recovered")
        >>> metric.update(torch.tensor([0, 0, 1]), torch.tensor([5, 5, 7]))
        >>> metric.update(torch.tensor([0, 0, 1]), torch.tensor([5, 7, 7]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    higher_is_better = True

    def __init__(
        self,
        metric: str | PartitionScore,
        *,
        pooled: bool = False,
        unlabelled: UnlabelledName = "ignore",
        min_size: int = 1,
        **kwargs: Any,
    ) -> None:
        # Pooled sums do not depend on the score, so all scores of a MetricCollection share them.
        options = (unlabelled, min_size) if pooled else (unlabelled, min_size, metric)
        super().__init__(len(PartitionSums._fields), *options, pooled=pooled, **kwargs)
        self.metric = resolve_metric("metric", metric)
        expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
        self.unlabelled = unlabelled
        self.min_size = expect_count("min_size", min_size)

    def update(
        self,
        cluster: Tensor,
        y: Tensor,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        counted: Tensor | None = None,
    ) -> None:
        """Add B graphs.

        Args:
            cluster: [N], the cluster of each node: integers of at least 0.
            y: [N], the label of each node, likewise; -1 if it has none.
            batch: [N], the graph of each node; one graph if None.
            batch_size: B; one more than the largest of ``batch`` if None.
            counted: [N], bool, the nodes that are scored; the others only take part in clusters and
                labels. All if None.
        """
        self.add(
            clustering_sums(
                cluster,
                y,
                batch,
                batch_size=batch_size,
                unlabelled=self.unlabelled,
                min_size=self.min_size,
                counted=counted,
            )
        )

    def score(self, sums: tuple[Tensor, ...]) -> Tensor:
        """Return the score of sums."""
        partition = PartitionSums(*sums)
        return check_scores("metric", self.metric(partition), partition)
