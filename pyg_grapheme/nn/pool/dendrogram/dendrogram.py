"""Single linkage: every clustering that some threshold gives, as one forest."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import degree

from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.dendrogram.spanning_forest import spanning_forest


class Dendrogram(NamedTuple):
    """The merges of every graph of a batch as the threshold falls.

    Joints are the edges of a maximum spanning forest of the candidate pairs, ordered by graph and
    then by falling score. Joints of equal score are one step: a graph with S steps has S + 1
    clusterings, from every node alone (0 steps) to whole components (S steps).

    Attributes:
        pairs: [2, K], two nodes of the two clusters that each joint joins.
        height: [K], its score, differentiable; a pair merges below it.
        graph: [K], the graph that it is in.
        joint: [K], its place among the candidate pairs in their order.
        step: [K], the step of its graph, from 1, in which it joins.
        num_steps: [B], S of each graph.
    """

    pairs: Tensor
    height: Tensor
    graph: Tensor
    joint: Tensor
    step: Tensor
    num_steps: Tensor


def single_linkage(candidates: Candidates, batch: Tensor, num_graphs: int) -> Dendrogram:
    """Build the dendrogram of all graphs of a batch at once.

    As the threshold falls, the clustering "every pair above the threshold, closed transitively"
    changes only where it passes the weight of an edge of a maximum spanning forest: single
    linkage (Gower and Ross 1969, "Minimum spanning trees and single linkage cluster analysis").

    Args:
        candidates: The M pairs, each inside one graph, and their scores.
        batch: [N].
        num_graphs: B.

    Differentiation: the heights are the scores; the structure is piecewise constant.
    Cost: O((N + M) log N).
    """
    pairs, joint, value = _joints(candidates, batch.numel())
    order = value.argsort(descending=True, stable=True)
    order = order[batch[pairs[0, order]].argsort(stable=True)]
    pairs, joint, value = pairs[:, order], joint[order], value[order]
    graph = batch[pairs[0]]
    new_step = torch.ones_like(graph)
    new_step[1:] = ((value[1:] != value[:-1]) | (graph[1:] != graph[:-1])).long()
    num_steps = degree(graph[new_step.bool()], num_graphs, dtype=torch.long)
    before = num_steps.cumsum(0) - num_steps
    step = new_step.cumsum(0) - before[graph]
    score = candidates.score_of(joint, pairs)
    # Scored anew among other pairs, a pair may differ by a rounding; what has tied stays tied.
    height = value + (score - score.detach())
    return Dendrogram(pairs, height, graph, joint, step, num_steps)


def _joints(candidates: Candidates, num_nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs [2, K] of a maximum spanning forest, their places [K] among all, and scores [K].

    A pair that is not in the forest of the blocks so far is in none to come: it closes a cycle of
    better ones. So only the forest is kept from block to block.
    """
    kept: tuple[Tensor, ...] | None = None
    passed = 0
    for pairs, score in candidates.blocks():
        place = torch.arange(passed, passed + score.numel(), device=score.device)
        passed += score.numel()
        found: tuple[Tensor, ...] = (pairs, place, score)
        if kept is not None:
            found = tuple(torch.cat([a, b], dim=-1) for a, b in zip(kept, found, strict=True))
        joints = spanning_forest(found[2], found[0], num_nodes)
        kept = tuple(part[..., joints] for part in found)
    assert kept is not None
    return kept[0], kept[1], kept[2]
