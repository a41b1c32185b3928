"""The pooling layer: merge similar nodes, and learn how similar is similar enough."""

from typing import Literal, NamedTuple, get_args

from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn.inits import reset

from pyg_grapheme.filtration import Cuts, check_bounds, sample_thresholds, sampled_log_prob
from pyg_grapheme.graphs import Graphs, repeat_graphs
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.clustering.acyclic import acyclic_roots
from pyg_grapheme.nn.pool.clustering.components import dense_labels
from pyg_grapheme.nn.pool.connect import coarse_batch, connect_clusters
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram, cluster_cuts
from pyg_grapheme.nn.pool.dendrogram.single_linkage import single_linkage
from pyg_grapheme.nn.pool.estimators.estimators import Estimator, EstimatorInput, resolve_estimator
from pyg_grapheme.nn.pool.history import make_history
from pyg_grapheme.nn.pool.output import PoolOutput
from pyg_grapheme.nn.pool.pool_data import pool_data
from pyg_grapheme.nn.pool.reduce import reduce_members, resolve_reduce
from pyg_grapheme.nn.pool.scores.scorer import Scorer, check_edge_score, make_scorer
from pyg_grapheme.nn.pool.select import (
    Selection,
    candidate_pairs,
    find_candidates,
    select_components,
)
from pyg_grapheme.nn.pool.uncompiled import uncompiled
from pyg_grapheme.nn.threshold_layer import ThresholdLayer, per_node
from pyg_grapheme.options import expect_count, expect_flag, expect_one_of
from pyg_grapheme.typing import CandidatesName, EstimatorName, MergeName


class PairScores(NamedTuple):
    """Candidate pairs [2, M], smaller node first, and their scores [M]."""

    pairs: Tensor
    score: Tensor


class ThresholdMergePool(ThresholdLayer):
    r"""Merge similar nodes into a real, coarser graph, with a learned threshold.

    Train by :meth:`cuts`, evaluate by ``forward``: ``forward`` pools at the current threshold
    :math:`\tau`, and by default teaches the threshold nothing. :meth:`cuts` returns every graph
    that a noisy threshold :math:`\tau + T \epsilon` can lead to, with its probability; the
    expectation over them is smooth in the threshold, and its gradient is exact.

    Two nodes joined by an edge, in either direction, merge if the cosine of their features is
    strictly above the threshold, and so, transitively, do all nodes linked by such pairs. The
    output is the quotient graph: the members of a cluster become one node, edges inside a cluster
    are removed, parallel edges become one. The parameter is ``raw_threshold``, the logit of the
    threshold; a threshold in (0, 1) never merges pairs of negative cosine. A network over the whole
    graph can set scores and thresholds instead: ``edge_score=`` and ``threshold=`` of the methods.
    :meth:`dendrogram` is the tree of all clusterings and their distribution, without a pooled
    graph, for graphs of any size.

    Nearest relatives: PyG's ``TopKPooling`` drops nodes, ``EdgePooling`` contracts a matching of
    edges, ``ClusterPooling`` merges the components of edges above a fixed threshold, with a dense
    N x N matrix and without ``edge_attr``. They learn through a factor on the features; none of
    them has a gradient for its threshold or ratio. This pool has one, needs O(N + M) memory,
    reduces ``edge_attr``, and undoes its merge by ``history.lift``.

    Args:
        threshold: Initial threshold, in (0, 1). 0.69 is sigmoid(0.8).
        score: "cosine" of the features, or a module
            ``(x_i [M, F], x_j [M, F], edge_attr [M, D] or None) -> [M]``, averaged over both
            directions unless it has an attribute ``symmetric = True``; attributes of parallel edges
            are reduced first. It should end in a sigmoid, as the threshold is in (0, 1), or return
            logits, with ``logits=True``. In training mode it sees all pairs in one call.
        logits: Scores are logits: they are compared with ``raw_threshold``, and the noise is on
            that scale. Components and matchings are the same for scores and their logits; average
            linkage is not, as a mean of logits is not the logit of the mean.
        candidates: The pairs that may merge: "edges", or "all" pairs of nodes of one graph, which
            are n (n - 1) / 2 for a graph of n nodes. A module gets zeros as the attributes of pairs
            that no edge joins. "average" and "complete" take at most 2^22 pairs in a batch.
        merge: "components", all pairs above the threshold, closed transitively; "average" or
            "complete", the best pair of clusters first, whose similarity is the mean or the minimum
            of the candidate pairs that exist between them; or "matching", greedily, best pair
            first, each node in at most one pair. Components join whatever a chain of good pairs
            joins; the two linkages ask all pairs between two clusters. Except in components, pairs
            of equal score are ordered by a fixed hash of their nodes' positions in the graph.
        reduce: Any PyG aggregation over the members of a cluster, by name or as a module.
        edge_reduce: How parallel edges are combined: "sum", "mean", "min", "max" or "mul".
        estimator: The gradient of the threshold in ``forward``: "none" (zero); "reinforce",
            unbiased together with ``ReinforceLoss``; "gate", "straight_through", "gumbel" (biased);
            or an ``Estimator``. "gumbel" and "reinforce" sample a threshold per graph in training.
        temperature: T > 0, the width of the noise; None for 0.1, or 1 with ``logits=True``.
        acyclic: Keep a directed acyclic graph acyclic: also merge nodes that would lie on a cycle
            of the quotient. Input with a cycle is an error. Fast if node ids are a topological
            order, as in text.
        check_finite: Refuse NaN and infinity in features, attributes and learned scores. Without
            the check, which a gradient scaler needs, NaN merges with nothing.
        block_size: The largest number of pairs scored at a time with ``candidates="all"``, for the
            cosine and for modules in evaluation mode; it bounds the memory.

    Shapes:
        x [N, F], edge_index [2, E], edge_attr [E] or [E, D], batch [N] sorted
        -> :class:`PoolOutput`.

    Raises:
        ValueError: if an option or an input is not as expected; names it, what was expected and
            what came.

    Differentiation:
        ``forward`` is exact in x and edge_attr for the graph that it returns. The gradient of the
        threshold is that of the estimator, and never None. :meth:`cuts` is exact in everything
        wherever no two scores tie. A score module learns from :meth:`cuts` and :meth:`dendrogram`,
        or from ``forward`` with an estimator other than "none".

    Cost: O(N F + M F + (N + M + E) log N) for M candidate pairs. ``acyclic`` may take as many
        rounds as paths are long if ids are no topological order. If all pairs take several blocks,
        they are scored up to four times, as a rule.

    Compilation: the number of output nodes depends on the data, so ``torch.compile`` runs the pool
        uncompiled, with one graph break.

    Example:
        >>> import torch
        >>> from torch_geometric.utils import degree
        >>> pool = ThresholdMergePool(threshold=0.9)
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> edge_index = torch.tensor([[0, 1], [1, 2]])
        >>> cuts = pool.cuts(x, edge_index)
        >>> size = degree(cuts.output.batch, cuts.num_cuts)
        >>> size
        tensor([3., 2., 1.])
        >>> cuts.expectation(size).backward()
        >>> pool.raw_threshold.grad > 0
        tensor(True)
        >>> x, edge_index, edge_attr, batch, history = pool(x, edge_index)
        >>> history.cluster
        tensor([0, 0, 1])
        >>> edge_index
        tensor([[0],
                [1]])
    """

    def __init__(
        self,
        threshold: float = 0.69,
        *,
        score: Literal["cosine"] | nn.Module = "cosine",
        logits: bool = False,
        candidates: CandidatesName = "edges",
        merge: MergeName = "components",
        reduce: str | nn.Module = "mean",
        edge_reduce: str = "sum",
        estimator: EstimatorName | Estimator = "none",
        temperature: float | None = None,
        acyclic: bool = False,
        check_finite: bool = True,
        block_size: int = 2**20,
    ) -> None:
        super().__init__(threshold, logits, temperature, check_finite)
        expect_flag("acyclic", acyclic)
        if not isinstance(score, nn.Module):
            expect_one_of("score", score, ("cosine",), "or a module")
        expect_one_of("candidates", candidates, get_args(CandidatesName))
        expect_one_of("merge", merge, get_args(MergeName))
        expect_one_of("edge_reduce", edge_reduce, ("sum", "mean", "min", "max", "mul"))
        self.score, self.candidates, self.merge = score, candidates, merge
        self.acyclic = acyclic
        self.block_size = expect_count("block_size", block_size)
        self.edge_reduce = edge_reduce
        self.reduce = resolve_reduce(reduce)
        self.estimator = resolve_estimator(estimator)

    def reset_parameters(self) -> None:
        """Reset the threshold to its initial value, and draw new weights of score and reduce."""
        super().reset_parameters()
        reset(self.reduce)
        reset(self.score)

    @uncompiled
    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> PoolOutput:
        """Pool at the current threshold.

        Args:
            x: [N, F].
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N], sorted; one graph if None.
            batch_size: B, needed if graphs at the end are empty.
            edge_score: [E], differentiable, scores in place of ``score``, on the scale of the
                threshold: in (0, 1), or logits with ``logits=True``. The candidates are then the
                edges, whatever ``candidates`` is; the scores of all edges between two nodes, in
                either direction, are averaged.
            threshold: [B], differentiable, a threshold per graph in place of the parameter, on the
                scale of the scores: no sigmoid is applied to it. It may be any finite number.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        edge_score = self._check_scores(edge_score, graphs)
        mean_threshold = self._check_threshold(threshold, graphs)
        is_sampled = self.estimator.samples_threshold and self.training
        tau = mean_threshold
        if is_sampled:
            tau = sample_thresholds(mean_threshold, self.temperature, graphs.num_graphs)
        node_threshold = per_node(tau, graphs.batch)
        distinct = self.estimator.needs_candidates
        selection = self._select(graphs, edge_score, node_threshold.detach(), distinct)
        clusters = selection.cluster, selection.num_clusters
        pooled = reduce_members(self.reduce, graphs.x, *clusters, tau)
        merge = EstimatorInput(graphs.x, pooled, selection, node_threshold, self.temperature)
        output = self._connect(graphs, self.estimator(merge), *clusters, tau)
        if not (is_sampled and self.estimator.needs_log_prob):
            return output
        tree = self._tree(selection.candidates, graphs, mean_threshold)
        log_prob = sampled_log_prob(
            tree.step_height, tree.num_steps, mean_threshold, self.temperature, tau.detach()
        )
        return output._replace(history=output.history._replace(log_prob=log_prob))

    @uncompiled
    def cuts(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
        threshold: Tensor | None = None,
        levels: int | None = None,
        min_mass: float = 1.0,
        max_cuts: int | None = None,
    ) -> Cuts[PoolOutput]:
        """Return every pooled graph that a noisy threshold can lead to, with its probability.

        A graph of n nodes has at most n cuts, with n nodes before pooling each. BatchNorm in a
        model behind this batch computes its statistics over all cuts of all graphs; LayerNorm and
        GraphNorm treat each cut by itself.

        Args:
            x: As for :meth:`forward`, and so are the next six.
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N].
            batch_size: B.
            edge_score: [E].
            threshold: [B].
            levels: Merge in at most this many steps per graph: its steps are split by rank into
                groups of equal size, and each group happens at its lowest height. The expectation
                over this coarser family is exact.
            min_mass: In (0, 1]. Keep the fewest cuts of each graph that together have this
                probability, renormalised; ``dropped`` is the rest. If a single cut is left, the
                threshold has no gradient.
            max_cuts: Sample this many cuts of any graph that has more (unbiased). Use at least 2:
                with 1 there is no baseline.

        Differentiation: exact: ``output.x`` in x, ``output.edge_attr`` in edge_attr, ``weight`` in
            the threshold, and in x and the parameters of a learned score wherever no two scores
            tie. With ``merge="matching"``, "average" or "complete" the tree itself changes where
            two merges swap ranks, so the expectation jumps there in x. With ``acyclic``, exact for
            the graphs that ``forward`` returns.
        Cost: O(N' F + (N' + E') log N') for N' nodes and E' edges over all cuts.
        """
        levels, max_cuts = check_bounds(levels, min_mass, max_cuts)
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        tree = self._dendrogram(graphs, edge_score, threshold)
        if levels is not None:
            tree = tree.coarsen(levels)
        sample = tree.sample(min_mass, max_cuts)
        copies = repeat_graphs(graphs.edge_index, graphs.batch, graphs.num_graphs, sample.graph)
        copied = graphs.copy(copies, sample.graph.numel())
        root = cluster_cuts(tree, sample)
        if self.acyclic:
            root = acyclic_roots(root, copies.edge_index)
        clusters = dense_labels(root)
        pooled = reduce_members(self.reduce, copied.x, *clusters, tree.threshold)
        tau = tree.threshold if threshold is None else tree.threshold[sample.graph]
        return sample.with_output(self._connect(copied, pooled, *clusters, tau), copies)

    @uncompiled
    def dendrogram(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> Dendrogram:
        """Return the merges of every graph as the threshold falls, and their distribution.

        No pooled graph is built: use this for large graphs, or where the clustering itself is the
        answer. Arguments are those of :meth:`forward`.

        Raises:
            ValueError: with ``acyclic=True``, which merges more than the dendrogram says.

        Differentiation: heights and probabilities are exact in x, the parameters of a learned
            score, ``edge_score`` and the threshold, wherever no two scores tie.
        Cost: O(N F + M F + (N + M) log N) for components.
        """
        if self.acyclic:
            raise ValueError("Expected 'acyclic' to be False for a dendrogram (got True)")
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        return self._dendrogram(graphs, edge_score, threshold)

    @uncompiled
    def scores(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
    ) -> PairScores:
        """Return all candidate pairs and their scores; arguments as for :meth:`forward`.

        Differentiation: exact in x and in the parameters of a learned score.
        Cost: O(M) memory, M being all pairs with ``candidates="all"``.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        edge_score = self._check_scores(edge_score, graphs)
        pairs = candidate_pairs(graphs, self.candidates if edge_score is None else "edges")
        scorer = self._scorer(graphs, edge_score)
        return PairScores(pairs, scorer(pairs))

    def select(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> Selection:
        """Return the clusters at the current threshold; arguments as for :meth:`forward`."""
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        edge_score = self._check_scores(edge_score, graphs)
        tau = self._check_threshold(threshold, graphs).detach()
        return self._select(graphs, edge_score, per_node(tau, graphs.batch))

    def connect(
        self, selection: Selection, edge_index: Tensor, edge_attr: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the edges between the clusters, and their attributes."""
        return connect_clusters(*selection[:2], edge_index, edge_attr, self.edge_reduce)

    def pool_data(self, data: Data) -> Batch:
        """Pool a ``Data`` or ``Batch``, with ``pos``, ``y`` and its other fields.

        See :func:`pyg_grapheme.nn.pool.pool_data.pool_data` for the rules per field.
        """
        return pool_data(self, self.edge_reduce, data)

    def _check(self, *inputs: object) -> Graphs:
        if isinstance(inputs[0], Data):
            raise ValueError(
                "Expected 'x' to be a float tensor [N, F]; pool_data(data) pools a Data or Batch "
                f"(got {type(inputs[0]).__name__})"
            )
        return super()._check(*inputs)

    def _check_scores(self, edge_score: object, graphs: Graphs) -> Tensor | None:
        """The scores [E] that replace those of ``score``, or None."""
        return check_edge_score(edge_score, graphs, self.score, self.logits, self.check_finite)

    def _scorer(self, graphs: Graphs, edge_score: Tensor | None) -> Scorer:
        return make_scorer(self.score, graphs, edge_score, self.edge_reduce, self.check_finite)

    def _find_candidates(
        self,
        graphs: Graphs,
        edge_score: Tensor | None,
        min_score: Tensor | None = None,
        distinct: bool = True,
    ) -> Candidates:
        scorer = self._scorer(graphs, edge_score)
        candidates = self.candidates if edge_score is None else "edges"
        return find_candidates(
            scorer, graphs, candidates, self.merge, self.block_size, min_score, distinct
        )

    def _dendrogram(self, graphs: Graphs, edge_score: object, threshold: object) -> Dendrogram:
        candidates = self._find_candidates(graphs, self._check_scores(edge_score, graphs))
        return self._tree(candidates, graphs, self._check_threshold(threshold, graphs))

    def _tree(self, candidates: Candidates, graphs: Graphs, threshold: Tensor) -> Dendrogram:
        size = graphs.num_graphs
        return single_linkage(candidates, graphs.batch, size, threshold, self.temperature)

    def _select(
        self,
        graphs: Graphs,
        edge_score: Tensor | None,
        threshold: Tensor,
        distinct: bool = True,
    ) -> Selection:
        if not self.estimator.differentiates_scores:
            graphs = graphs.detach()
            edge_score = None if edge_score is None else edge_score.detach()
        # Pairs below the threshold do not change the clusters above it, only the probability.
        min_score = None if self.estimator.needs_log_prob else threshold
        dag = graphs.edge_index if self.acyclic else None
        candidates = self._find_candidates(graphs, edge_score, min_score, distinct)
        return select_components(candidates, threshold, graphs.x.size(0), dag)

    def _connect(
        self, graphs: Graphs, pooled: Tensor, cluster: Tensor, num_clusters: int, threshold: Tensor
    ) -> PoolOutput:
        """The quotient graph of the clusters with the features ``pooled`` [C, F]."""
        clusters = cluster, num_clusters
        return PoolOutput(
            pooled,
            *connect_clusters(*clusters, graphs.edge_index, graphs.edge_attr, self.edge_reduce),
            coarse_batch(graphs.batch, *clusters),
            make_history(*clusters, graphs.num_graphs, threshold, graphs.x.dtype),
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(threshold={float(self.threshold.detach()):.4g}, "
            f"score={self.score!r}, logits={self.logits}, candidates={self.candidates!r}, "
            f"merge={self.merge!r}, reduce={self.reduce}, edge_reduce={self.edge_reduce!r}, "
            f"estimator={self.estimator}, temperature={self.temperature}, "
            f"acyclic={self.acyclic}, check_finite={self.check_finite}, "
            f"block_size={self.block_size})"
        )
