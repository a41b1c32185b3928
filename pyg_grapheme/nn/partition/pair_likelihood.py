"""The log likelihood of the labels of all pairs of nodes that meet in a tree."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import scatter

from pyg_grapheme.nn.partition.labelled_tree import UnlabelledName, labelled_tree
from pyg_grapheme.nn.partition.meetings import common_pairs, meetings
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram


class MeetingPairs(NamedTuple):
    """The numbers of pairs of labelled nodes that first meet at each merge, in float64.

    Attributes:
        same: [K], pairs of one label.
        different: [K], pairs of two labels.
        num_same: [B], all pairs of one label of each graph, also those that never meet.
        num_apart: [B], all pairs that never meet: no cut has them in one cluster.
    """

    same: Tensor
    different: Tensor
    num_same: Tensor
    num_apart: Tensor


def meeting_pairs(
    tree: Dendrogram, y: Tensor, *, unlabelled: UnlabelledName = "ignore"
) -> MeetingPairs:
    """Count the pairs of nodes that first meet at each merge, by whether their labels are equal.

    Arguments and errors are those of ``partition_scores``.

    Cost: O(N log N), one loop over the merges on the CPU.
    """
    labelled = labelled_tree(tree, y, unlabelled)
    same = common_pairs(labelled, meetings(labelled))
    left, right = labelled.split - labelled.start, labelled.end - labelled.split
    met = (left * right).double()

    def by_graph(count: Tensor, graph: Tensor) -> Tensor:
        summed: Tensor = scatter(count, graph, dim_size=tree.num_steps.numel())
        return summed

    size = labelled.label_size.double()
    num_nodes = by_graph(size, labelled.label_graph)
    num_apart = num_nodes * (num_nodes - 1) / 2 - by_graph(met, tree.graph)
    num_same = by_graph(size * (size - 1) / 2, labelled.label_graph)
    return MeetingPairs(same, met - same, num_same, num_apart)


def pair_log_likelihood(tree: Dendrogram, pairs: MeetingPairs) -> Tensor:
    r"""Return the log likelihood [B] of the labels of all pairs that meet.

    Two nodes that first meet at height h are in one cluster with probability
    :math:`\sigma((h - \tau) / T)`. With single linkage this is the logistic form of maximin
    affinity learning (Turaga et al. 2009, "Maximin affinity learning of image segmentation").

    Differentiation: exact in heights and threshold. It does not saturate: a pair far on the wrong
        side has a gradient of 1 / T.
    Cost: O(K).
    """
    tau = tree.threshold
    tau = tau if tau.dim() == 0 else tau.index_select(0, tree.graph)
    logit = (tree.height - tau) / tree.temperature
    terms = pairs.same * F.logsigmoid(logit) + pairs.different * F.logsigmoid(-logit)
    summed: Tensor = scatter(terms, tree.graph, dim_size=tree.num_steps.numel())
    return summed
