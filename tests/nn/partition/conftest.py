"""Random trees with labels, their cuts and the sums of these by definition, in plain Python."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram

MERGES = ("components", "average", "complete", "matching")


class Case(NamedTuple):
    """A tree over several graphs, labels with some left out, and how these are meant."""

    tree: Dendrogram
    y: Tensor
    unlabelled: str
    min_size: int

    def cuts(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield graph, clusters and labels of the counted nodes of each cut, cut by cut."""
        tree = self.tree
        merges = list(
            zip(tree.pairs.T.tolist(), tree.graph.tolist(), tree.step.tolist(), strict=True)
        )
        labels = [
            -2 - i if label < 0 and self.unlabelled == "other" else label
            for i, label in enumerate(self.y.tolist())
        ]
        for graph, num_steps in enumerate(tree.num_steps.tolist()):
            nodes = (tree.batch == graph).nonzero().view(-1).tolist()
            for level in range(num_steps + 1):
                cluster = {node: node for node in nodes}
                for (u, v), g, step in merges:
                    if g == graph and step <= level:
                        old, new = cluster[u], cluster[v]
                        cluster = {node: new if k == old else k for node, k in cluster.items()}
                counted = [node for node in nodes if labels[node] != -1]
                yield graph, [cluster[node] for node in counted], [labels[node] for node in counted]


@pytest.fixture
def draw_case() -> Callable[[int], Case]:
    """Draw graphs of 0 to 59 nodes, most of at most 9, with ties in half; linkages in turn."""

    def draw(seed: int) -> Case:
        generator = torch.Generator().manual_seed(seed)

        def integers(high: int, size: int) -> Tensor:
            return torch.randint(high, (size,), generator=generator)

        sizes = integers(60 if seed % 25 == 0 else 10, 1 + seed % 4)
        batch = torch.repeat_interleave(sizes)
        first = (sizes.cumsum(0) - sizes)[batch]
        row = torch.arange(batch.numel()).repeat(2)
        column = first.repeat(2) + integers(60, row.numel()) % sizes[batch].repeat(2)
        edge_index = torch.stack([row, column])
        score = torch.rand(row.numel(), generator=generator).double()
        if seed // 4 % 2:
            score = (score * 4).floor() / 4
        pool = ThresholdMergePool(merge=MERGES[seed % 4], temperature=0.3).double()
        x = torch.ones(batch.numel(), 1).double()
        threshold = torch.rand(len(sizes), generator=generator).double()
        with torch.no_grad():
            tree = pool.dendrogram(
                x, edge_index, None, batch, len(sizes), edge_score=score, threshold=threshold
            )
        if seed % 7 == 3:
            tree = tree.coarsen(2)
        y = integers(1 + seed % 5, batch.numel())
        if seed % 3:
            y[integers(4, batch.numel()) == 0] = -1
        unlabelled = ("ignore", "other")[seed // 8 % 2]
        if unlabelled == "ignore":  # at least one label in each graph
            y[first] = 0
        return Case(tree, y, unlabelled, 1 + seed // 16 % 3)

    return draw


@pytest.fixture
def sums_of() -> Callable[[list[int], list[int], int], dict[str, float]]:
    """Compute the sums of one cut by their definitions."""

    def compute(cluster: list[int], label: list[int], min_size: int) -> dict[str, float]:
        n, a, b = Counter(zip(cluster, label, strict=True)), Counter(cluster), Counter(label)

        def pairs(count: Counter) -> float:
            return sum(size * (size - 1) / 2 for size in count.values())

        def logs(count: Counter) -> float:
            return sum(size * math.log(size) for size in count.values())

        whole = Counter([0] * len(label))
        large = [(k, m) for k, m in n if b[m] >= min_size]
        return {
            "num_nodes": len(label),
            "num_clusters": len(a),
            "num_labels": sum(size >= min_size for size in b.values()),
            "num_pairs": pairs(whole),
            "cluster_pairs": pairs(a),
            "label_pairs": pairs(b),
            "common_pairs": pairs(n),
            "precision": sum(size**2 / a[k] for (k, _), size in n.items()),
            "recall": sum(size**2 / b[m] for (_, m), size in n.items()),
            "cluster_entropy": logs(whole) - logs(a),
            "label_entropy": logs(whole) - logs(b),
            "cluster_given_label": logs(b) - logs(n),
            "label_given_cluster": logs(a) - logs(n),
            "recovered": sum(n[k, m] == a[k] == b[m] for k, m in large),
            "double_majority": sum(2 * n[k, m] > max(a[k], b[m]) for k, m in large),
        }

    return compute
