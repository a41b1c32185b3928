"""The merge history: the cluster and the weight of every node."""

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import degree

from pyg_grapheme.options import expect_count, expect_one_of

if TYPE_CHECKING:
    import networkx as nx


class MergeHistory(NamedTuple):
    """Record of one merge of N nodes into C clusters; O(N) numbers, detached but for log_prob.

    Attributes:
        cluster: [N], input node -> output node.
        weight: [N], the share of the input node in its output node under ``mean``; float32 at
            least.
        num_clusters: C.
        num_graphs: B.
        threshold: Scalar, the threshold that the scores were compared with; [B] if one was sampled
            or given per graph, [R] for given ones in ``cuts``; NaN if there was none.
        log_prob: [B], log-probability of the sampled clustering, differentiable if the estimator
            needs it; zero if nothing is sampled.
    """

    cluster: Tensor
    weight: Tensor
    num_clusters: int
    num_graphs: int
    threshold: Tensor
    log_prob: Tensor

    @classmethod
    def identity(
        cls, num_nodes: int, num_graphs: int = 1, device: torch.device | str | None = None
    ) -> "MergeHistory":
        """Return the history of merging nothing: every node is its own cluster.

        Args:
            num_nodes: N, and C.
            num_graphs: B.
            device: Of the tensors.
        """
        num_nodes = expect_count("num_nodes", num_nodes, 0)
        num_graphs = expect_count("num_graphs", num_graphs, int(num_nodes > 0))
        return make_history(
            torch.arange(num_nodes, device=device),
            num_nodes,
            num_graphs,
            torch.tensor(torch.nan, device=device),
            torch.get_default_dtype(),
        )

    def lift(self, coarse: Tensor) -> Tensor:
        """Copy the features of every cluster to its members: [C, *] -> [N, *].

        Differentiation: exact.
        """
        return self._spread("coarse", coarse)

    def _spread(self, name: str, coarse: Tensor) -> Tensor:
        if coarse.dim() == 0 or coarse.size(0) != self.num_clusters:
            raise ValueError(
                f"Expected '{name}' to have {self.num_clusters} rows, one per cluster "
                f"(got shape {tuple(coarse.shape)})"
            )
        return coarse.index_select(0, self.cluster)

    def route(self, gradient: Tensor, reduce: Literal["mean", "sum"] = "mean") -> Tensor:
        """Return the gradient at the N input nodes, given that at the C output nodes.

        Autograd does the same for a pool that returns the ``reduce`` of its clusters: every member
        receives its cluster's gradient, times its share under ``mean``.

        Args:
            gradient: [C, *].
            reduce: The aggregation of the members.

        Returns:
            [N, *].
        """
        expect_one_of("reduce", reduce, ("mean", "sum"))
        lifted = self._spread("gradient", gradient)
        if reduce == "sum":
            return lifted
        return (lifted.movedim(0, -1) * self.weight.to(lifted.dtype)).movedim(-1, 0)

    def compose(self, following: "MergeHistory") -> "MergeHistory":
        """Return the history of this merge and the following one as a single merge.

        Lifting through the result is lifting through both; any number of levels can be composed.
        The weights are shares in a mean of means, so ``route`` is exact for two ``mean`` pools in a
        row. The threshold is that of the following merge.

        Args:
            following: History of a pool whose input was this pool's output: its N is this C.
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
        """Return the merge as a forest with an edge from every input node to its output node.

        Nodes are pairs (level, index), output nodes one level up; edges have the ``weight``.
        ``networkx.compose_all`` joins the merges of several levels. Needs networkx.

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
        """Return the input nodes of output node ``k``, in ascending order."""
        if not 0 <= k < self.num_clusters:
            raise IndexError(f"Expected 'k' to be in [0, {self.num_clusters}) (got {k})")
        return (self.cluster == k).nonzero().view(-1)


def make_history(
    cluster: Tensor, num_clusters: int, num_graphs: int, threshold: Tensor, dtype: torch.dtype
) -> MergeHistory:
    """Build the history of a deterministic merge."""
    size = degree(cluster, num_clusters, dtype=torch.promote_types(dtype, torch.float))
    return MergeHistory(
        cluster=cluster,
        weight=size.reciprocal().index_select(0, cluster),
        num_clusters=num_clusters,
        num_graphs=num_graphs,
        threshold=threshold.detach(),
        log_prob=size.new_zeros(num_graphs),
    )
