"""Graphs of a million nodes."""

from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.nn import functional as F

from benchmarks.faults.outcome import Outcome, add_up, attempt
from benchmarks.faults.own_process import find_in_own_process
from pyg_grapheme.metrics import clustering_score
from pyg_grapheme.nn import ThresholdMergePool, partition_scores

NODES, DEGREE, MAX_CUTS = 1_000_000, 4, 3


def large_graphs(folder: Path, nodes: int = NODES) -> Outcome:
    """Take a random graph through the pool, its tree, scores of all cuts, and some cuts.

    Each survives if it agrees with SciPy's connected components, or with what is computed in
    another way.
    """
    return add_up(
        attempt(f"{nodes} nodes, {name}", partial(find_in_own_process, _find, name, nodes))
        for name in CHECKS
    )


def _find(name: str, nodes: int) -> list[str]:
    with torch.no_grad():
        return [] if CHECKS[name](_draw(nodes)) else ["another result"]


class RandomGraph(NamedTuple):
    """A random graph with labels.

    Attributes:
        x: [N, 2], of length 1.
        edge_index: [2, E].
        y: [N].
        pool: The pool that merges it.
    """

    x: Tensor
    edge_index: Tensor
    y: Tensor
    pool: ThresholdMergePool

    def components(self, threshold: float) -> np.ndarray:
        """Return the cluster of each node by SciPy."""
        nodes = len(self.x)
        cosine = (self.x[self.edge_index[0]] * self.x[self.edge_index[1]]).sum(1)
        first, second = self.edge_index[:, cosine > threshold].numpy()
        graph = coo_array((np.ones(first.size), (first, second)), shape=(nodes, nodes))
        return connected_components(graph, directed=False)[1]


def _draw(nodes: int) -> RandomGraph:
    generator = torch.Generator().manual_seed(0)
    x = F.normalize(torch.randn(nodes, 2, generator=generator), dim=1)
    edge_index = torch.randint(nodes, (2, DEGREE * nodes // 2), generator=generator)
    y = torch.randint(nodes // 3, (nodes,), generator=generator)
    return RandomGraph(x, edge_index, y, ThresholdMergePool(0.9))


def forward(graph: RandomGraph) -> bool:
    """Compare what the pool merges with components."""
    output = graph.pool(graph.x, graph.edge_index)
    same = _are_same(output.history.cluster, graph.components(0.9))
    return same and output.x.size(0) == int(output.history.cluster.max()) + 1


def cut(graph: RandomGraph) -> bool:
    """Compare cuts of the tree with components."""
    tree = graph.pool.dendrogram(graph.x, graph.edge_index)
    return all(_are_same(tree.cut(t), graph.components(t)) for t in (0.99, 0.5))


def clusters(graph: RandomGraph) -> bool:
    """Compare the sizes of the clusters that are there at a height with those of components."""
    tree = graph.pool.dendrogram(graph.x, graph.edge_index)
    found = tree.clusters()
    equal = []
    for height in (0.99, 0.5):
        step = int((tree.step_height > height).sum())
        there = (found.birth <= step) & (step < found.death)
        size = torch.from_numpy(np.bincount(graph.components(height)))
        equal.append(torch.equal(found.size[there].sort()[0], size.sort()[0]))
    return all(equal)


def scores(graph: RandomGraph) -> bool:
    """Compare some scores of all cuts with those of cuts that are made one by one."""
    nodes, tree = len(graph.x), graph.pool.dendrogram(graph.x, graph.edge_index)
    found = partition_scores(tree, graph.y, "pair_f1")
    heights = tree.step_height[torch.tensor([nodes // 100, nodes // 3])]
    expected = [clustering_score(tree.cut(h), graph.y, "pair_f1") for h in heights]
    # The cut strictly above the height of a step has the merges before it.
    place = [int((tree.step_height > h).sum()) for h in heights]
    return torch.allclose(found[place], torch.stack(expected).double().view(-1), 1e-9)


def cuts(graph: RandomGraph) -> bool:
    """Compare the clusters of sampled cuts with the cut of the tree that has as many."""
    nodes, tree = len(graph.x), graph.pool.dendrogram(graph.x, graph.edge_index)
    heights = [*tree.step_height.tolist(), -2.0]

    def fewer(step: int) -> int:
        return -int(tree.cut(heights[step]).max())

    torch.manual_seed(0)
    found = graph.pool.cuts(graph.x, graph.edge_index, max_cuts=MAX_CUTS)
    equal = []
    for index in range(found.num_cuts):
        own = found.batch == index
        cluster = torch.empty(nodes, dtype=torch.long)
        cluster[found.node[own]] = found.output.history.cluster[own]
        step = bisect_left(range(len(heights)), 1 - cluster.unique().numel(), key=fewer)
        equal.append(own.sum() == nodes and _are_same(cluster, tree.cut(heights[step])))
    is_whole = abs(found.weight.sum().item() - 1) < 1e-5
    return all(equal) and is_whole and 0 < found.num_cuts <= MAX_CUTS


CHECKS: dict[str, Callable[[RandomGraph], bool]] = {
    check.__name__: check for check in (forward, cut, clusters, scores, cuts)
}


def _are_same(first: Tensor | np.ndarray, second: Tensor | np.ndarray) -> bool:
    """Return whether two partitions are the same, whatever the numbers of their clusters."""
    return np.array_equal(_dense(first), _dense(second))


def _dense(cluster: Tensor | np.ndarray) -> np.ndarray:
    """Number clusters in the order of their first nodes."""
    _, first, inverse = np.unique(np.asarray(cluster), return_index=True, return_inverse=True)
    return first.argsort().argsort()[inverse]
