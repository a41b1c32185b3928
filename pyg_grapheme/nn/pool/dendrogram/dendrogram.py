"""The clusterings of all thresholds as one forest of merges, and their distribution."""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum

from pyg_grapheme.filtration import (
    CutSample,
    Steps,
    cut_probabilities,
    expected_value,
    interval_probability,
    sample_cuts,
)
from pyg_grapheme.graphs import repeat_graphs
from pyg_grapheme.nn.pool.clustering.components import component_roots, dense_labels, jump
from pyg_grapheme.nn.pool.dendrogram.clusters import Clusters
from pyg_grapheme.nn.pool.dendrogram.merge_tree import merge_tree
from pyg_grapheme.options import expect_count

if TYPE_CHECKING:
    import numpy as np


class Dendrogram(NamedTuple):
    """The merges of every graph of a batch as the threshold falls, and their distribution.

    Merges are ordered by graph and then by falling height. Merges of equal height are one step: a
    graph with S steps has S + 1 cuts, from single nodes (0 steps) to whole trees (S steps). No
    pooled graph is built, so large graphs can be trained on exactly.

    Attributes:
        pairs: [2, K], two nodes of the two clusters that each merge joins.
        graph: [K].
        step: [K], its step in its graph, from 1.
        step_height: [S over all graphs], by graph; falling in each; differentiable. The clusters
            are joined at thresholds below it.
        num_steps: [B], S of each graph.
        batch: [N].
        threshold: Scalar or [B], differentiable, on the scale of the scores.
        temperature: T, the width of the threshold's noise.
    """

    pairs: Tensor
    graph: Tensor
    step: Tensor
    step_height: Tensor
    num_steps: Tensor
    batch: Tensor
    threshold: Tensor
    temperature: float

    @property
    def height(self) -> Tensor:
        """[K], the height of the step of each merge; differentiable."""
        return self.step_height.index_select(0, self._step_index())

    @property
    def num_cuts(self) -> int:
        """R, the number of cuts of all graphs."""
        return self.step_height.numel() + self.num_steps.numel()

    @property
    def cut_graph(self) -> Tensor:
        """[R], the graph of each cut; in each graph, cuts of more steps come later."""
        return torch.repeat_interleave(self.num_steps + 1)

    @property
    def probability(self) -> Tensor:
        """[R], the probability of each cut at the noisy threshold; sums to 1 in each graph.

        Differentiation: exact in heights and threshold.
        """
        return cut_probabilities(self.step_height, self.num_steps, self.threshold, self.temperature)

    def expectation(self, value: Tensor) -> Tensor:
        """Return the expectation [B, ...] of a value [R, ...] per cut over the cuts of each graph.

        Differentiation: exact in the values and in what the probabilities depend on.
        """
        return expected_value(value, self.probability, self.cut_graph, self.num_steps.numel())

    def sample(self, min_mass: float = 1.0, max_cuts: int | None = None) -> CutSample:
        """Return the most probable cuts, or a sample of them, with weights.

        Arguments are those of :meth:`ThresholdMergePool.cuts`, which builds the graphs of these
        cuts; here ``expectation`` of the result takes a value per cut.
        """
        return sample_cuts(self.probability, self.num_steps + 1, min_mass, max_cuts)

    def cut(self, threshold: Tensor | float | None = None) -> Tensor:
        """Return the cluster [N] of each node: the ids are dense, ordered by smallest member.

        Args:
            threshold: Scalar or [B], on the scale of the scores; None for the tree's own. Merges
                strictly above it are included.

        Raises:
            ValueError: if the threshold is NaN or of another shape.

        Cost: O((N + K) log N).
        """
        threshold = self.threshold if threshold is None else threshold
        if isinstance(threshold, tuple | list):
            raise ValueError(
                f"Expected 'threshold' to be a number or a tensor (got {type(threshold).__name__})"
            )
        if not isinstance(threshold, Tensor):
            # The default, float32, would move it past heights in float64.
            threshold = torch.as_tensor(threshold, dtype=torch.double)
        if threshold.shape not in ((), self.num_steps.shape) or bool(threshold.isnan().any()):
            got = "NaN" if threshold.isnan().any() else f"shape {tuple(threshold.shape)}"
            raise ValueError(
                f"Expected 'threshold' to be a number, or a tensor [{self.num_steps.numel()}] of "
                f"one per graph (got {got})"
            )
        if threshold.dim() > 0:
            threshold = threshold.to(self.graph.device)[self.graph]
        is_joined = (self.height > threshold).nonzero().view(-1)
        return dense_labels(component_roots(self.pairs[:, is_joined], self.batch.numel()))[0]

    def clusters(self) -> Clusters:
        """Return the distinct clusters of all cuts, each with its probability.

        A cluster exists from the height of its last merge (birth) down to that at which it is
        merged (death): with probability sigmoid((birth - tau) / T) - sigmoid((death - tau) / T). A
        function that is a sum over clusters has its exact expectation so, in O(N).

        Differentiation: exact in heights and threshold.
        Cost: O(N log N), one loop over the merges on the CPU.
        """
        num_nodes = self.batch.numel()
        tree = merge_tree(self.pairs, num_nodes)
        nodes = torch.arange(tree.parent.numel(), device=self.batch.device)
        step = torch.cat([torch.zeros_like(self.batch), self.step])
        # A merge within a step is no cluster of its own: the cluster is the last merge of the step.
        is_inner = (tree.parent >= 0) & (step[tree.parent] == step)
        outer = jump(torch.where(is_inner, tree.parent, nodes))
        kept = (~is_inner).nonzero().view(-1)
        index = torch.empty_like(nodes)
        index[kept] = torch.arange(kept.numel(), device=kept.device)
        order = torch.empty_like(self.batch)
        order[tree.start[:num_nodes]] = nodes[:num_nodes]
        graph = torch.cat([self.batch, self.graph])[kept]
        parent, is_root = tree.parent[kept], tree.parent[kept] < 0
        birth = step[kept]
        death = torch.where(is_root, self.num_steps[graph] + 1, step[parent])
        return Clusters(
            interval_probability(
                self.step_height,
                self.num_steps,
                graph,
                birth,
                death,
                self.threshold,
                self.temperature,
            ),
            tree.size[kept],
            torch.where(is_root, -1, index[outer[parent]]),
            birth,
            death,
            graph,
            order,
            tree.start[kept],
            self.num_steps.numel(),
        )

    def coarsen(self, levels: int) -> "Dendrogram":
        """Return the tree with at most ``levels`` steps per graph.

        The steps of each graph are split by rank into that many groups of equal size; each group
        becomes one step, at its lowest height. This is another, coarser family of cuts; its
        expectation is exact.
        """
        steps = Steps(self.step, self.graph, self.step_height, self.num_steps)
        steps = steps.coarsen(expect_count("levels", levels))
        return self._replace(step=steps.step, step_height=steps.height, num_steps=steps.num_steps)

    def to_scipy(self, graph: int = 0) -> "np.ndarray":
        """Return the linkage matrix [n - 1, 4] of a graph of n nodes, as SciPy's functions take it.

        Distances are the largest height of the graph minus the height: a threshold is at that
        height minus the threshold. SciPy draws matrices of at least two nodes.

        Raises:
            ValueError: if there is no such graph, its merges leave more than one cluster, or it has
                no node.
        """
        num_graphs = self.num_steps.numel()
        if not 0 <= graph < num_graphs:
            raise ValueError(f"Expected 'graph' to be in [0, {num_graphs}) (got {graph})")
        start, size = int((self.batch < graph).sum()), int((self.batch == graph).sum())
        mine = (self.graph == graph).nonzero().view(-1)
        if mine.numel() != size - 1:
            raise ValueError(
                f"Expected the merges of 'graph' to lead to one cluster (got "
                f"{size - mine.numel()} clusters in graph {graph})"
            )
        tree = merge_tree(self.pairs[:, mine] - start, size)
        height = self.height.detach()[mine].double()
        distance = height[:1] - height
        columns = [*tree.children.double().sort(dim=0).values, distance, tree.size[size:].double()]
        return torch.stack(columns, dim=1).cpu().numpy()

    def _step_index(self) -> Tensor:
        """[K], the step of each merge among the steps of all graphs."""
        index: Tensor = cumsum(self.num_steps)[self.graph] + self.step - 1
        return index


def cluster_cuts(tree: Dendrogram, cuts: CutSample) -> Tensor:
    """Return the smallest node of each copied node's cluster, for R cuts as one batch: [N'].

    Cost: O(N' log N').
    """
    copies = repeat_graphs(tree.pairs, tree.batch, tree.num_steps.numel(), cuts.graph)
    is_joined = tree.step[copies.edge] <= cuts.level[copies.batch[copies.edge_index[0]]]
    return component_roots(copies.edge_index[:, is_joined], copies.node.numel())
