"""Records that are linked by scored pairs, and the clusters that they lead to."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.pool.clustering.constrained import (
    ConstrainedMergeName,
    constrained_clusters,
)
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram


class LinkedRecords(NamedTuple):
    """The records of a batch of blocks, the scores of their pairs, and the merges.

    Attributes:
        tree: The merges without constraints.
        pairs: [2, M].
        score: [M].
        merge: The linkage.
        constraints: On the records, or None.
    """

    tree: Dendrogram
    pairs: Tensor
    score: Tensor
    merge: ConstrainedMergeName
    constraints: MergeConstraints | None = None

    def cut(self, threshold: Tensor | float | None = None) -> Tensor:
        """Return the cluster of each record, [N].

        Args:
            threshold: One for all blocks, or one per block; that of the tree if None.
        """
        tree = self.tree
        if self.constraints is None:
            return tree.cut(threshold)
        threshold = tree.threshold if threshold is None else threshold
        if isinstance(threshold, Tensor) and threshold.dim() > 0:
            threshold = threshold[tree.batch]
        return constrained_clusters(
            self.pairs,
            self.score,
            tree.batch.numel(),
            threshold,
            merge=self.merge,
            constraints=self.constraints,
            batch=tree.batch,
        )
