"""The merge history: which node went where, and with what weight."""

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import degree

from pyg_grapheme.options import expect_one_of

if TYPE_CHECKING:
    import networkx as nx


class MergeHistory(NamedTuple):
    """Record of one merge of N nodes into C; O(N) detached numbers.

    Attributes:
        cluster: [N], input node -> output node.
        weight: [N], the share of the input node in its output node under ``mean``; float32 at
            least.
        num_clusters: C.
        num_graphs: B.
        threshold: Scalar, the threshold that the pairs were compared with; or [B], one that each
            graph has drawn.
        log_prob: [B], log-probability of the drawn clustering, differentiable where the estimator
            needs it to be; zero where nothing is drawn.
    """

    cluster: Tensor
    weight: Tensor
    num_clusters: int
    num_graphs: int
    threshold: Tensor
    log_prob: Tensor

    def lift(self, coarse: Tensor) -> Tensor:
        """Give every input node the features of its cluster: [C, *] -> [N, *].

        Differentiation: exact.
        """
        return self._spread("coarse", coarse)

    def _spread(self, name: str, coarse: Tensor) -> Tensor:
        if coarse.dim() == 0 or coarse.size(0) != self.num_clusters:
            raise ValueError(
                f"Expected '{name}' to have {self.num_clusters} rows, one a cluster "
                f"(got shape {tuple(coarse.shape)})"
            )
        return coarse.index_select(0, self.cluster)

    def route(self, gradient: Tensor, reduce: Literal["mean", "sum"] = "mean") -> Tensor:
        """Carry a gradient at the C output nodes back to the N input nodes by hand.

        This is what autograd does for a pool that outputs the plain ``reduce`` of its clusters:
        every member gets its cluster's gradient, times its share under ``mean``.

        Args:
            gradient: [C, *].
            reduce: How the members were combined.

        Returns:
            [N, *].
        """
        expect_one_of("reduce", reduce, ("mean", "sum"))
        lifted = self._spread("gradient", gradient)
        if reduce == "sum":
            return lifted
        weight = self.weight.to(lifted.dtype)
        return lifted * weight.view(-1, *(1,) * (lifted.dim() - 1))

    def compose(self, following: "MergeHistory") -> "MergeHistory":
        """Put the merge that followed behind this one: input nodes straight to its output nodes.

        Lifting through the result is lifting through both, and so on through any number of levels.
        Its weights are the shares in a mean of means, so ``route`` is exact for two ``mean`` pools
        in a row; its threshold is that of the last merge.

        Args:
            following: History of a pool that was given this one's output: its N is this C.
        """
        if following.cluster.numel() != self.num_clusters:
            raise ValueError(
                f"Expected 'following' to merge the {self.num_clusters} nodes that come out of "
                f"this merge (got a merge of {following.cluster.numel()})"
            )
        if following.num_graphs != self.num_graphs:
            raise ValueError(
                f"Expected 'following' to be of {self.num_graphs} graphs "
                f"(got {following.num_graphs})"
            )
        return following._replace(
            cluster=following.cluster[self.cluster],
            weight=self.weight * following.weight[self.cluster],
            log_prob=self.log_prob + following.log_prob,
        )

    def to_networkx(self, level: int = 0) -> "nx.DiGraph":
        """Give the merge as a forest: an edge from every input node to its output node.

        Nodes are pairs (level, number), output nodes one level up; edges have the ``weight``. The
        merges of several levels are put together by ``networkx.compose_all``. Needs networkx.

        Args:
            level: Level of the input nodes.
        """
        import networkx as nx

        forest = nx.DiGraph()
        forest.add_nodes_from((level, i) for i in range(self.cluster.numel()))
        forest.add_nodes_from((level + 1, k) for k in range(self.num_clusters))
        for i, (k, weight) in enumerate(
            zip(self.cluster.tolist(), self.weight.tolist(), strict=True)
        ):
            forest.add_edge((level, i), (level + 1, k), weight=weight)
        return forest

    def members(self, k: int) -> Tensor:
        """List the input nodes of output node ``k``, in ascending order."""
        if not 0 <= k < self.num_clusters:
            raise IndexError(f"Expected 'k' to be in [0, {self.num_clusters}) (got {k})")
        return (self.cluster == k).nonzero().view(-1)


def make_history(
    cluster: Tensor, num_clusters: int, num_graphs: int, threshold: Tensor, dtype: torch.dtype
) -> MergeHistory:
    """Write down a merge that nothing random led to."""
    size = degree(cluster, num_clusters, dtype=torch.promote_types(dtype, torch.float))
    return MergeHistory(
        cluster=cluster,
        weight=size.reciprocal()[cluster],
        num_clusters=num_clusters,
        num_graphs=num_graphs,
        threshold=threshold.detach(),
        log_prob=size.new_zeros(num_graphs),
    )
