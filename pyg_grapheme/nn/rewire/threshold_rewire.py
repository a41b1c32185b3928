"""The rewiring layer: delete and insert edges, and learn which."""

from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn.inits import reset

from pyg_grapheme.filtration import (
    Cuts,
    Steps,
    check_bounds,
    sample_thresholds,
    sampled_log_prob,
    score_steps,
)
from pyg_grapheme.graphs import Graphs, repeat_graphs
from pyg_grapheme.nn.pool.candidates.candidates import pair_threshold
from pyg_grapheme.nn.pool.reduce import attach_zero_grad
from pyg_grapheme.nn.pool.scores.scorer import check_edge_score, make_scorer
from pyg_grapheme.nn.pool.threshold_merge_pool import PairScores
from pyg_grapheme.nn.pool.uncompiled import uncompiled
from pyg_grapheme.nn.rewire.candidates import (
    PossibleEdges,
    own_candidates,
    possible_edges,
    rewire_candidates,
)
from pyg_grapheme.nn.rewire.history import RewireHistory
from pyg_grapheme.nn.rewire.new_edge_attr import (
    NewEdgeAttr,
    check_new_edge_attr,
    edge_attributes,
)
from pyg_grapheme.nn.rewire.output import RewireOutput
from pyg_grapheme.nn.rewire.rewire_data import rewire_data
from pyg_grapheme.nn.rewire.select import RewireSelection, select_edges
from pyg_grapheme.nn.threshold_layer import ThresholdLayer, per_node
from pyg_grapheme.options import expect_count, expect_flag, expect_one_of
from pyg_grapheme.typing import RewireCandidatesName


class EdgeProbabilities(NamedTuple):
    """All edges that some threshold leads to, each with its probability.

    Attributes:
        edge_index: [2, P], in the order of ``RewireOutput``.
        edge_attr: [P] or [P, D]; None if the input had none.
        probability: [P], differentiable; 1 for edges that are always there.
        edge: [P], the input edge of each, or -1.
    """

    edge_index: Tensor
    edge_attr: Tensor | None
    probability: Tensor
    edge: Tensor


class ThresholdRewire(ThresholdLayer):
    r"""Delete and insert edges by the similarity of their nodes, with a learned threshold.

    Train by :meth:`cuts`, evaluate by ``forward``: ``forward`` rewires at the current threshold
    :math:`\tau`, and by default teaches the threshold and the score nothing. :meth:`cuts` returns
    every graph that a noisy threshold :math:`\tau + T \epsilon` can lead to, with its probability;
    the expectation over them is smooth in the threshold, and its gradient is exact. Sums over edges
    have a closed expectation: :meth:`edge_probability`.

    The output has those candidate pairs of nodes whose score is strictly above the threshold. A
    pair is one candidate: its two directions, and edges that repeat, are kept or deleted together.
    Deletion leaves the direction of edges as it is, so that a directed acyclic graph stays one;
    insertion adds both directions of a pair that no edge joins. Self-loops are no candidates: those
    of the input are kept, and none is inserted. Nodes stay, so the output has no ``x``: go on with
    that of the input, or with ``x[cuts.node]`` and ``cuts.batch`` after :meth:`cuts`. The parameter
    is ``raw_threshold``, the logit of the threshold. A network over the whole graph can set scores
    and thresholds instead: ``edge_score=`` and ``threshold=`` of the methods.

    Called with a ``Data`` or ``Batch``, as PyG's transforms are, the layer returns a new one; see
    :func:`pyg_grapheme.nn.rewire.rewire_data.rewire_data`. Such calls record no gradient.

    Args:
        threshold: Initial threshold, in (0, 1). 0.69 is sigmoid(0.8).
        score: "cosine" of the features, or a module
            ``(x_i [M, F], x_j [M, F], edge_attr [M, D] or None) -> [M]`` of scores in [0, 1], or
            logits with ``logits=True``. It is averaged over both directions unless it has an
            attribute ``symmetric = True``. Attributes of all edges of a pair are averaged first;
            those of a pair that no edge joins are zero.
        candidates: "edges" of the input, from which some are deleted; "knn", these and those to the
            ``k`` nearest nodes of each node in its graph; or "all" pairs of nodes of one graph.
            Nearest is by cosine, whatever ``score`` is, with ties to the smaller id: see
            :func:`pyg_grapheme.nn.rewire.nearest.nearest_neighbours`.
        k: Number of neighbours, for "knn" alone.
        keep_edges: Only insert: keep all input edges.
        directed: Each direction of a pair is a candidate of its own, scored as (source, target);
            "knn" then offers edges from the neighbours to the node. Edges that repeat stay
            together.
        new_edge_attr: Attributes of inserted edges, if the input has attributes: None for zero, a
            number, a tensor [D] (a parameter, if it is one), or a module
            ``(x_i [K, F], x_j [K, F]) -> [K, D]`` of their sources and targets.
        logits: Scores are logits: they are compared with ``raw_threshold``, and the noise is on
            that scale.
        estimator: The gradient of the threshold in ``forward``: "none" (zero), or "reinforce",
            unbiased together with ``ReinforceLoss``, which samples a threshold per graph in
            training.
        temperature: T > 0, the width of the noise; None for 0.1, or 1 with ``logits=True``.
        check_finite: Refuse NaN and infinity in features, attributes and scores, and scores of a
            module outside [0, 1]. Without the check, NaN is not above, and makes weights of its
            graph in :meth:`cuts` NaN, so that a gradient scaler skips the step.

    Shapes:
        x [N, F], edge_index [2, E], edge_attr [E] or [E, D], batch [N] sorted
        -> :class:`RewireOutput`.

    Raises:
        ValueError: if an option or an input is not as expected; names it, what was expected and
            what came.

    Differentiation:
        ``forward`` is exact in edge_attr, and in x and ``new_edge_attr`` through the attributes of
        inserted edges. The gradient of the threshold is that of the estimator; with "none", it is
        zero, as are those of the score, and all are None where there are no float attributes.
        :meth:`cuts` and :meth:`edge_probability` are exact in everything wherever no two scores
        tie; with "knn", they jump in x where another node becomes the k-th nearest.

    Cost: O(N F + M F + (M + E) log M) for M candidates, and O(n^2 F) per graph of n nodes to find
        the nearest. All pairs are n (n - 1) / 2 candidates.

    Compilation: the number of edges depends on the data, so ``torch.compile`` runs the layer
        uncompiled, with one graph break.

    Example:
        >>> from torch_geometric.utils import degree
        >>> rewire = ThresholdRewire(threshold=0.9)
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> edge_index = torch.tensor([[0, 1], [1, 2]])
        >>> cuts = rewire.cuts(x, edge_index)
        >>> num_edges = degree(cuts.batch[cuts.output.edge_index[0]], cuts.num_cuts)
        >>> num_edges
        tensor([0., 1., 2.])
        >>> cuts.expectation(num_edges).backward()
        >>> rewire.raw_threshold.grad < 0
        tensor(True)
        >>> edge_index, edge_attr, history = rewire(x, edge_index)
        >>> history.edge
        tensor([0])
        >>> edge_index
        tensor([[0],
                [1]])
    """

    new_edge_attr: NewEdgeAttr

    def __init__(
        self,
        threshold: float = 0.69,
        *,
        score: Literal["cosine"] | nn.Module = "cosine",
        candidates: RewireCandidatesName = "edges",
        k: int | None = None,
        keep_edges: bool = False,
        directed: bool = False,
        new_edge_attr: NewEdgeAttr = None,
        logits: bool = False,
        estimator: Literal["none", "reinforce"] = "none",
        temperature: float | None = None,
        check_finite: bool = True,
    ) -> None:
        super().__init__(threshold, logits, temperature, check_finite)
        if not isinstance(score, nn.Module):
            expect_one_of("score", score, ("cosine",), "or a module")
        expect_one_of("candidates", candidates, get_args(RewireCandidatesName))
        expect_one_of("estimator", estimator, ("none", "reinforce"))
        expect_flag("keep_edges", keep_edges)
        expect_flag("directed", directed)
        check_new_edge_attr(new_edge_attr)
        if (candidates == "knn") != (k is not None):
            raise ValueError(
                f"Expected 'k' to be {'an int' if k is None else 'None'} with "
                f"candidates={candidates!r} (got {k!r})"
            )
        if candidates == "edges" and (keep_edges or new_edge_attr is not None):
            name, got = ("keep_edges", True) if keep_edges else ("new_edge_attr", new_edge_attr)
            raise ValueError(
                f"Expected '{name}' to be left out with candidates='edges', which inserts nothing "
                f"(got {got!r})"
            )
        self.score, self.candidates, self.estimator = score, candidates, estimator
        self.k = None if k is None else expect_count("k", k)
        self.keep_edges, self.directed = keep_edges, directed
        if isinstance(new_edge_attr, Tensor) and not isinstance(new_edge_attr, nn.Parameter):
            self.register_buffer("new_edge_attr", new_edge_attr)
        else:
            self.new_edge_attr = new_edge_attr

    def reset_parameters(self) -> None:
        """Reset the threshold to its initial value, and draw new weights of both modules."""
        super().reset_parameters()
        reset(self.score)
        if isinstance(self.new_edge_attr, nn.Module):
            reset(self.new_edge_attr)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Rewire tensors by :meth:`forward`, or a ``Data`` or ``Batch``."""
        if inputs and isinstance(inputs[0], Data):
            with torch.no_grad():
                return rewire_data(partial(super().__call__, **options), *inputs)
        return super().__call__(*inputs, **options)

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
    ) -> RewireOutput:
        """Rewire at the current threshold.

        Args:
            x: [N, F].
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N], sorted; one graph if None.
            batch_size: B, needed if graphs at the end are empty.
            edge_score: [E], differentiable, scores in place of ``score``, on the scale of the
                threshold: in (0, 1), or logits with ``logits=True``. The candidates are then the
                edges, whatever ``candidates`` is; the scores of all edges of a pair are averaged.
            threshold: [B], differentiable, a threshold per graph in place of the parameter, on the
                scale of the scores: no sigmoid is applied to it. It may be any finite number.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        mean_threshold = self._check_threshold(threshold, graphs)
        is_sampled = self.estimator == "reinforce" and self.training
        with torch.set_grad_enabled(is_sampled and torch.is_grad_enabled()):
            scored = self._score(graphs, edge_score, distinct=is_sampled)
        tau = mean_threshold
        if is_sampled:
            tau = sample_thresholds(mean_threshold, self.temperature, graphs.num_graphs)
        selection = select_edges(*scored, per_node(tau.detach(), graphs.batch))
        output = self._connect(graphs, selection, tau)
        if not is_sampled:
            return output
        steps = _steps(scored, graphs)
        log_prob = sampled_log_prob(
            steps.height, steps.num_steps, mean_threshold, self.temperature, tau.detach()
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
    ) -> Cuts[RewireOutput]:
        """Return every rewired graph that a noisy threshold can lead to, with its probability.

        A graph of m candidates has at most m + 1 cuts, of all its nodes each: their features are
        ``x[cuts.node]``, their graphs ``cuts.batch``. Bound the cuts of large graphs by
        ``max_cuts`` or ``levels``. ``output.history.edge`` refers to the E input edges. BatchNorm
        in a model behind this batch computes its statistics over all cuts of all graphs; LayerNorm
        and GraphNorm treat each cut by itself.

        Args:
            x: As for :meth:`forward`, and so are the next six.
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N].
            batch_size: B.
            edge_score: [E].
            threshold: [B].
            levels: Add edges in at most this many steps per graph: its steps are split by rank into
                groups of equal size, and each group happens at its lowest height. The expectation
                over this coarser family is exact.
            min_mass: In (0, 1]. Keep the fewest cuts of each graph that together have this
                probability, renormalised; ``dropped`` is the rest. If a single cut is left, the
                threshold has no gradient.
            max_cuts: Sample this many cuts of any graph that has more (unbiased). Use at least 2:
                with 1 there is no baseline.

        Differentiation: exact: ``output.edge_attr`` in edge_attr, x and ``new_edge_attr``,
            ``weight`` in the threshold, and in x and the parameters of a learned score wherever no
            two scores tie. With "knn", candidates change where another node becomes the k-th
            nearest, so the expectation jumps there in x.
        Cost: O(R (N + P)) for R cuts of graphs of P possible edges, beside that of the layer.
        """
        levels, max_cuts = check_bounds(levels, min_mass, max_cuts)
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        tau = self._check_threshold(threshold, graphs)
        scored = self._score(graphs, edge_score)
        steps = _steps(scored, graphs)
        if levels is not None:
            steps = steps.coarsen(levels)
        sample = steps.sample(tau, self.temperature, min_mass, max_cuts)
        edges = scored.edges
        copies = repeat_graphs(edges.edge_index, graphs.batch, graphs.num_graphs, sample.graph)
        level = sample.level[copies.batch[copies.edge_index[0]]]
        kept = (edges.spread(steps.step, 0)[copies.edge] <= level).nonzero().view(-1)
        edge = copies.edge.index_select(0, kept)
        attr = self._attributes(graphs, RewireSelection(*edges[:2]))
        output = self._output(
            RewireSelection(copies.edge_index.index_select(1, kept), edges.edge[edge]),
            None if attr is None else attr.index_select(0, edge),
            copies.node.numel(),
            sample.graph.numel(),
            tau if threshold is None else tau[sample.graph],
        )
        return sample.with_output(output, copies)

    @uncompiled
    def edge_probability(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        edge_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> EdgeProbabilities:
        """Return every edge that some threshold leads to, with its probability.

        That of a candidate is sigmoid((s - tau) / T). The expectation of a sum over edges is the
        sum of its terms times these; edges of one graph are not independent. Arguments are those of
        :meth:`forward`.

        Differentiation: exact in everything; see the class for "knn".
        Cost: that of the layer; no graph is copied.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        tau = per_node(self._check_threshold(threshold, graphs), graphs.batch)
        edges, pairs, score = self._score(graphs, edge_score, distinct=False)
        above = torch.sigmoid((score - pair_threshold(tau, pairs)) / self.temperature)
        attr = self._attributes(graphs, RewireSelection(*edges[:2]))
        return EdgeProbabilities(edges.edge_index, attr, edges.spread(above, 1), edges.edge)

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
        """Return all candidates and their scores; arguments as for :meth:`forward`.

        Pairs have their smaller node first or, with ``directed=True``, their source.

        Differentiation: exact in x and in the parameters of a learned score.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        return PairScores(*self._score(graphs, edge_score)[1:])

    @uncompiled
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
    ) -> RewireSelection:
        """Return the edges at the current threshold; arguments as for :meth:`forward`."""
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        tau = per_node(self._check_threshold(threshold, graphs).detach(), graphs.batch)
        return select_edges(*self._score(graphs, edge_score, distinct=False), tau)

    def connect(
        self, selection: RewireSelection, x: Tensor, edge_attr: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the edges of a selection, and their attributes, from x [N, F] and edge_attr."""
        return selection.edge_index, edge_attributes(selection, x, edge_attr, self.new_edge_attr)

    def _check_scores(self, edge_score: object, graphs: Graphs) -> Tensor | None:
        """The scores [E] that replace those of ``score``, or None."""
        if edge_score is not None and self.keep_edges:
            raise ValueError("Expected 'edge_score' to be None with keep_edges=True (got a Tensor)")
        return check_edge_score(edge_score, graphs, self.score, self.logits, self.check_finite)

    def _score(
        self, graphs: Graphs, edge_score: object, distinct: bool = True
    ) -> "_ScoredCandidates":
        """The candidates and their scores; unless ``distinct``, each edge may be one of its own."""
        given = self._check_scores(edge_score, graphs)
        scorer = make_scorer(
            self.score, graphs, given, "mean", self.check_finite, directed=self.directed
        )
        candidates = self.candidates if given is None else "edges"
        if candidates == "edges" and not distinct and scorer.takes_repeats:
            pairs, edges = graphs.edge_index, own_candidates(graphs)
        else:
            pairs = rewire_candidates(graphs, candidates, self.k, self.keep_edges, self.directed)
            edges = possible_edges(graphs, pairs, self.directed)
        score = scorer(pairs)
        if given is None and isinstance(self.score, nn.Module):
            self._check_range(score)
        return _ScoredCandidates(edges, pairs, score)

    def _connect(
        self, graphs: Graphs, selection: RewireSelection, threshold: Tensor
    ) -> RewireOutput:
        attr = self._attributes(graphs, selection)
        return self._output(selection, attr, graphs.x.size(0), graphs.num_graphs, threshold)

    def _attributes(self, graphs: Graphs, selection: RewireSelection) -> Tensor | None:
        return self.connect(selection, graphs.x, graphs.edge_attr)[1]

    def _output(
        self,
        selection: RewireSelection,
        attr: Tensor | None,
        num_nodes: int,
        num_graphs: int,
        threshold: Tensor,
    ) -> RewireOutput:
        if attr is not None and attr.is_floating_point():
            for parameter in (threshold, *self.parameters()):
                attr = attach_zero_grad(attr, parameter)
        tau = threshold.detach()
        zero = tau.new_zeros(num_graphs)
        history = RewireHistory(selection.edge, num_nodes, num_graphs, tau, zero)
        return RewireOutput(selection.edge_index, attr, history)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(threshold={float(self.threshold.detach()):.4g}, "
            f"score={self.score!r}, candidates={self.candidates!r}, k={self.k}, "
            f"keep_edges={self.keep_edges}, directed={self.directed}, "
            f"new_edge_attr={self.new_edge_attr!r}, logits={self.logits}, "
            f"estimator={self.estimator!r}, temperature={self.temperature}, "
            f"check_finite={self.check_finite})"
        )


class _ScoredCandidates(NamedTuple):
    """The possible edges, and the candidates [2, M] that decide them with their scores [M]."""

    edges: PossibleEdges
    pairs: Tensor
    score: Tensor


def _steps(scored: _ScoredCandidates, graphs: Graphs) -> Steps:
    owner = graphs.batch.index_select(0, scored.pairs[0])
    return score_steps(scored.score, owner, graphs.num_graphs)
