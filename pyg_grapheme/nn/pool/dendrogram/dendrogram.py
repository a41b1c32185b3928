"""Single linkage: the clusterings of all thresholds as one forest of merges."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, scatter

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.graphs import batch_ptr, repeat_graphs
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.dendrogram.spanning_forest import bottleneck, spanning_forest


class Dendrogram(NamedTuple):
    """The merges of every graph of a batch as the threshold falls.

    Merges are the edges of a maximum spanning forest of the candidate pairs, ordered by graph and
    then by falling score. Merges of equal score are one step: a graph with S steps has S + 1
    clusterings, from single nodes (0 steps) to whole components (S steps).

    Attributes:
        pairs: [2, K], two nodes of the two clusters that each merge joins.
        height: [K], its score, differentiable; the clusters are joined at thresholds below it.
        graph: [K], its graph.
        merge: [K], its position among the candidate pairs.
        step: [K], its step in its graph, from 1.
        num_steps: [B], S of each graph.
    """

    pairs: Tensor
    height: Tensor
    graph: Tensor
    merge: Tensor
    step: Tensor
    num_steps: Tensor


def single_linkage(candidates: Candidates, batch: Tensor, num_graphs: int) -> Dendrogram:
    """Build the dendrogram of all graphs of a batch at once.

    As the threshold falls, the clustering "every pair above the threshold, closed transitively"
    changes only at the scores of a maximum spanning forest: single linkage (Gower and Ross 1969,
    "Minimum spanning trees and single linkage cluster analysis").

    Args:
        candidates: The M pairs, each inside one graph, and their scores.
        batch: [N].
        num_graphs: B.

    Differentiation: the heights are the scores; the structure is piecewise constant.
    Cost: O((N + M) log N).
    """
    pairs, merge, value = _forest(candidates, batch.numel())
    order = value.argsort(descending=True, stable=True)
    order = order[batch[pairs[0, order]].argsort(stable=True)]
    pairs, merge, value = pairs[:, order], merge[order], value[order]
    graph = batch[pairs[0]]
    is_new = torch.ones_like(graph)
    is_new[1:] = ((value[1:] != value[:-1]) | (graph[1:] != graph[:-1])).long()
    ptr = batch_ptr(graph[is_new.bool()], num_graphs)
    step = is_new.cumsum(0) - ptr[graph]
    score = candidates.score_of(merge, pairs)
    # Rescored among other pairs, a score may differ by a rounding; tied heights stay tied.
    height = value + (score - score.detach())
    return Dendrogram(pairs, height, graph, merge, step, ptr.diff())


def step_heights(candidates: Candidates, tree: Dendrogram, num_nodes: int) -> Tensor:
    """Return the height of every step of every graph, [sum of num_steps].

    A step's height is the mean over all candidate pairs of that score whose ends first meet at the
    step, inside the forest or not: the order of the nodes does not matter.

    Differentiation: exact in the scores wherever heights differ; tied pairs share the gradient of
        their step equally.
    Cost: O((N + M) log N).
    """
    rank = torch.arange(tree.step.numel(), device=tree.step.device)
    step_of = cumsum(tree.num_steps)[tree.graph] + tree.step - 1
    num_steps = int(tree.num_steps.sum())
    height = tree.height.detach()

    def is_tied(pairs: Tensor, score: Tensor) -> Tensor:
        merge = bottleneck(rank, tree.pairs, pairs, num_nodes)
        return ~(score < height[merge])  # NaN counts as tied, so that it reaches the result

    def sum_by_step(pairs: Tensor, score: Tensor) -> Tensor:
        step = step_of[bottleneck(rank, tree.pairs, pairs, num_nodes)]
        return _sum_and_count(score, step, num_steps)

    if rank.numel() == candidates.num_pairs:
        # All candidates are in the forest: no other pair is tied.
        summed, count = _sum_and_count(tree.height, step_of, num_steps).unbind(1)
    else:
        summed, count = candidates.sum_over(is_tied, sum_by_step).unbind(1)
    mean = summed / count
    # Tied scores are equal, but their rounded mean may differ: heights must keep their order.
    exact = torch.empty_like(mean.detach()).scatter_(0, step_of, height)
    heights: Tensor = exact + (mean - mean.detach())
    return heights


def cluster_cuts(tree: Dendrogram, cuts: CutSample, batch: Tensor) -> Tensor:
    """Return the smallest node of each copied node's cluster, for R cuts as one batch: [N'].

    Cost: O(N' log N').
    """
    copies = repeat_graphs(tree.pairs, batch, tree.num_steps.numel(), cuts.graph)
    is_joined = tree.step[copies.edge] <= cuts.level[copies.batch[copies.edge_index[0]]]
    return component_roots(copies.edge_index[:, is_joined], copies.node.numel())


def _sum_and_count(score: Tensor, step: Tensor, num_steps: int) -> Tensor:
    """Sum of the scores of each step and their number, [S, 2], in one scatter."""
    terms = torch.stack([score, torch.ones_like(score)], dim=1)
    summed: Tensor = scatter(terms, step, dim_size=num_steps)
    return summed


def _forest(candidates: Candidates, num_nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs [2, K] of a maximum spanning forest, their positions [K] among all, and scores [K].

    A pair that is not in the forest of the blocks so far closes a cycle of better pairs, so it is
    in no later forest. Only the forest is kept from block to block.
    """
    kept: tuple[Tensor, ...] | None = None
    first = 0
    for pairs, score in candidates.blocks():
        position = torch.arange(first, first + score.numel(), device=score.device)
        first += score.numel()
        found: tuple[Tensor, ...] = (pairs, position, score)
        if kept is not None:
            found = tuple(torch.cat([a, b], dim=-1) for a, b in zip(kept, found, strict=True))
        forest = spanning_forest(found[2], found[0], num_nodes)
        kept = tuple(part[..., forest] for part in found)
    assert kept is not None
    return kept[0], kept[1], kept[2]
