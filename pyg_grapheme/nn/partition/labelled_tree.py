"""The merges of a dendrogram over the labelled nodes, as intervals of one order of the nodes."""

from typing import NamedTuple, get_args

import torch
from torch import Tensor
from torch_geometric.utils import cumsum

from pyg_grapheme.graphs import batch_ptr, check_integers
from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.nn.pool.dendrogram.merge_tree import merge_tree
from pyg_grapheme.options import expect_one_of


class LabelledTree(NamedTuple):
    """The K merges of a dendrogram over n counted nodes, and the labels of these.

    The counted nodes have positions such that every cluster is an interval of them. A merge joins
    the positions [start, split) and [split, end); either may be empty.

    Attributes:
        start: [K].
        split: [K].
        end: [K].
        merge_at: [n + 1], the merge at which the positions p - 1 and p meet; K if they never do,
            and at both ends.
        graph: [n], the graph of each position.
        members: [n], the positions: by graph, then by label, rising in each.
        label: [n], the label of each of ``members``, from 0 to V - 1. Equal labels of different
            graphs are different here.
        label_size: [V].
        label_graph: [V].
    """

    start: Tensor
    split: Tensor
    end: Tensor
    merge_at: Tensor
    graph: Tensor
    members: Tensor
    label: Tensor
    label_size: Tensor
    label_graph: Tensor

    @property
    def size(self) -> Tensor:
        """[K], counted nodes of each merge."""
        return self.end - self.start

    def merge_above(self, start: Tensor, end: Tensor) -> Tensor:
        """Return the first merge that enlarges each cluster [start, end); K if there is none."""
        at = self.merge_at
        return torch.minimum(at.index_select(0, start), at.index_select(0, end))


def labelled_tree(tree: Dendrogram, y: Tensor, unlabelled: UnlabelledName) -> LabelledTree:
    """Lay out the merges over the labelled nodes.

    Args:
        tree: K merges of N nodes in B graphs.
        y: [N] integers, equal for nodes of one class; -1 for unlabelled nodes.
        unlabelled: "ignore" leaves unlabelled nodes out of all clusters; "other" makes each a label
            of its own.

    Raises:
        ValueError: if ``y`` is not as expected, or no node of a graph that has nodes is labelled
            with ``unlabelled="ignore"``.

    Cost: O((N + K) log N).
    """
    num_nodes, num_merges = check_tree(tree).batch.numel(), tree.pairs.size(1)
    y = check_labels(y, num_nodes, tree.batch.device, unlabelled)
    merges = merge_tree(tree.pairs, num_nodes)
    position, start = merges.start[:num_nodes], merges.start[num_nodes:]
    split, end = start + merges.size[merges.children[0]], start + merges.size[num_nodes:]
    label, graph = (torch.empty_like(t).scatter_(0, position, t) for t in (y, tree.batch))
    if unlabelled == "ignore" and bool((y < 0).any()):
        _expect_labels(y, tree)
        is_counted = label >= 0
        rank = cumsum(is_counted.long())
        start, split, end = (rank.index_select(0, t) for t in (start, split, end))
        label, graph = label[is_counted], graph[is_counted]
    joins = ((start < split) & (split < end)).nonzero().view(-1)
    merge_at = start.new_full((label.numel() + 1,), num_merges)
    merge_at.scatter_(0, split.index_select(0, joins), joins)
    return LabelledTree(start, split, end, merge_at, graph, *_by_label(label, graph))


def _by_label(label: Tensor, graph: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The last four fields of a tree, from the label and graph [n] of each position."""
    members = label.argsort(stable=True)
    members = members.index_select(0, graph.index_select(0, members).argsort(stable=True))
    label, graph = label.index_select(0, members), graph.index_select(0, members)
    is_new = torch.ones_like(members)
    is_other = (label[1:] != label[:-1]) | (graph[1:] != graph[:-1]) | (label[1:] < 0)
    is_new[1:] = is_other.long()
    first = is_new.nonzero().view(-1)
    size = torch.diff(first, append=first.new_tensor([label.numel()]))
    return members, is_new.cumsum(0) - 1, size, graph.index_select(0, first)


def check_tree(tree: object) -> Dendrogram:
    """Return a dendrogram; refuse anything else, such as the clusters of one cut."""
    if not isinstance(tree, Dendrogram):
        raise ValueError(
            f"Expected 'tree' to be a Dendrogram, from pool.dendrogram (got {type(tree).__name__})"
        )
    return tree


def check_labels(y: object, num_nodes: int, device: torch.device, unlabelled: object) -> Tensor:
    """Return labels [N] of nodes; refuse anything else, and unknown meanings of the label -1."""
    expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
    return check_integers("y", y, low=-1, size=num_nodes, device=device)


def _expect_labels(y: Tensor, tree: Dendrogram) -> None:
    """Refuse graphs that have nodes, but no labelled one."""
    nodes, labelled = (
        batch_ptr(batch, tree.num_steps.numel()).diff()
        for batch in (tree.batch, tree.batch[y >= 0])
    )
    bare = ((nodes > 0) & (labelled == 0)).nonzero().view(-1)
    if bare.numel():
        raise ValueError(
            f"Expected 'y' to label a node of every graph (got only -1 in graph {int(bare[0])})"
        )
