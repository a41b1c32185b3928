"""The splitting layer: replace nodes by two children, and learn which."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from pyg_grapheme.filtration import (
    Cuts,
    check_bounds,
    sample_thresholds,
    sampled_log_prob,
    score_steps,
)
from pyg_grapheme.graphs import Graphs, repeat_graphs
from pyg_grapheme.nn.pool.uncompiled import uncompiled
from pyg_grapheme.nn.split.connect import ConnectName, connect_children
from pyg_grapheme.nn.split.expand import expand_nodes, make_children
from pyg_grapheme.nn.split.history import SplitHistory
from pyg_grapheme.nn.split.mirrored_children import MirroredChildren
from pyg_grapheme.nn.split.node_score import LinearScore, node_scores
from pyg_grapheme.nn.split.output import SplitOutput
from pyg_grapheme.nn.split.select import SplitSelection, place_children, select_nodes
from pyg_grapheme.nn.threshold_layer import ThresholdLayer, per_node
from pyg_grapheme.options import expect_count, expect_one_of


class ThresholdSplit(ThresholdLayer):
    r"""Split nodes into two children each, the opposite of merging, with a learned threshold.

    Train by :meth:`cuts`, evaluate by ``forward``: ``forward`` splits at the current threshold
    :math:`\tau`, and by default teaches the threshold and the score nothing. :meth:`cuts` returns
    every graph that a noisy threshold :math:`\tau + T \epsilon` can lead to, with its probability;
    the expectation over them is smooth in the threshold, and its gradient is exact.

    A node whose score is strictly above the threshold is replaced by two children. Output nodes
    follow the order of the input: two children are neighbours, and the graphs of a batch stay in
    one piece each. No threshold splits a child further; apply the layer again to do so. The mean
    of the default children is their parent: ``history.lift`` gives back x up to rounding, and
    merging the children gives back the edges without self-loops. The parameter is
    ``raw_threshold``, the logit of the threshold. A network over the whole graph can set scores and
    thresholds instead: ``node_score=`` and ``threshold=`` of the methods.

    Args:
        in_channels: F, features per node.
        threshold: Initial threshold, in (0, 1). 0.69 is sigmoid(0.8).
        score: Module ``x [N, F] -> [N]``, in [0, 1] or logits with ``logits=True``; None for a
            linear map, and a sigmoid unless ``logits=True``: :class:`LinearScore`.
        children: Module ``x [S, F] -> [S, 2, F]`` that returns the two children of each node; None
            for x + W x and x - W x: :class:`MirroredChildren`.
        connect: "inherit": an edge from i to j becomes an edge from each child of i to each child
            of j, and no edge joins two children of one node; a self-loop becomes one of each child.
            "chain", for directed graphs: edges to a node lead to its first child, edges from it
            leave its second, and an edge with attributes of zero leads from the first to the
            second; a self-loop so leads from the second to the first. Both keep a directed acyclic
            graph acyclic. See :func:`connect_children` for the order of edges.
        logits: Scores are logits: they are compared with ``raw_threshold``, and the noise is on
            that scale.
        estimator: The gradient of the threshold in ``forward``: "none" (zero), or "reinforce",
            unbiased together with ``ReinforceLoss``, which samples a threshold per graph in
            training.
        temperature: T > 0, the width of the noise; None for 0.1, or 1 with ``logits=True``.
        check_finite: Refuse NaN and infinity in features, attributes and scores. Without the check,
            NaN does not split, and makes weights of its graph in :meth:`cuts` NaN, so that a
            gradient scaler skips the step.

    Shapes:
        x [N, F], edge_index [2, E], edge_attr [E] or [E, D], batch [N] sorted
        -> :class:`SplitOutput`. The default modules compute in the wider of the dtypes of x and of
        their weights; modules of your own may need both to be equal.

    Raises:
        ValueError: if an option or an input is not as expected; names it, what was expected and
            what came.

    Differentiation:
        ``forward`` is exact in x, edge_attr and the parameters of the children for the graph that
        it returns. The gradients of the threshold and of the score's parameters are those of the
        estimator, and never None. :meth:`cuts` is exact in everything wherever no two scores tie.

    Cost: O((N + C) F + E'), and that of the two modules.

    Compilation: the number of output nodes depends on the data, so ``torch.compile`` runs the
        layer uncompiled, with one graph break.

    Source: the morphing operation "node splitting" that the method's publication leaves open.

    Example:
        >>> from torch_geometric.utils import degree
        >>> split = ThresholdSplit(2, threshold=0.5)
        >>> x, edge_index = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0], [1]])
        >>> score = torch.tensor([0.6, 0.4])
        >>> cuts = split.cuts(x, edge_index, node_score=score)
        >>> size = degree(cuts.output.batch, cuts.num_cuts)
        >>> size
        tensor([2., 3., 4.])
        >>> cuts.expectation(size).backward()
        >>> split.raw_threshold.grad < 0
        tensor(True)
        >>> x, edge_index, edge_attr, batch, history = split(x, edge_index, node_score=score)
        >>> history.parent
        tensor([0, 0, 1])
        >>> edge_index
        tensor([[0, 1],
                [2, 2]])
    """

    def __init__(
        self,
        in_channels: int,
        threshold: float = 0.69,
        *,
        score: nn.Module | None = None,
        children: nn.Module | None = None,
        connect: ConnectName = "inherit",
        logits: bool = False,
        estimator: Literal["none", "reinforce"] = "none",
        temperature: float | None = None,
        check_finite: bool = True,
    ) -> None:
        super().__init__(threshold, logits, temperature, check_finite)
        self.in_channels = expect_count("in_channels", in_channels)
        expect_one_of("connect", connect, get_args(ConnectName))
        expect_one_of("estimator", estimator, ("none", "reinforce"))
        for name, module in (("score", score), ("children", children)):
            if not isinstance(module, nn.Module | None):
                raise ValueError(f"Expected '{name}' to be None or a module (got {module!r})")
        self.connect_name, self.estimator = connect, estimator
        self.score = LinearScore(in_channels, logits) if score is None else score
        self.children_of = MirroredChildren(in_channels) if children is None else children

    def reset_parameters(self) -> None:
        """Reset the threshold to its initial value, and draw new weights of both modules."""
        super().reset_parameters()
        reset(self.score)
        reset(self.children_of)

    @uncompiled
    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        node_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> SplitOutput:
        """Split at the current threshold.

        Args:
            x: [N, F].
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N], sorted; one graph if None.
            batch_size: B, needed if graphs at the end are empty.
            node_score: [N], differentiable, scores in place of ``score``, on the scale of the
                threshold: in (0, 1), or logits with ``logits=True``.
            threshold: [B], differentiable, a threshold per graph in place of the parameter, on the
                scale of the scores: no sigmoid is applied to it. It may be any finite number.
        """
        graphs = self._check_graphs(x, edge_index, edge_attr, batch, batch_size)
        mean_threshold = self._check_threshold(threshold, graphs)
        is_sampled = self.estimator == "reinforce" and self.training
        with torch.set_grad_enabled(is_sampled and torch.is_grad_enabled()):
            score = self._scores(graphs, node_score)
        tau = mean_threshold
        if is_sampled:
            tau = sample_thresholds(mean_threshold, self.temperature, graphs.num_graphs)
        selection = select_nodes(score, per_node(tau.detach(), graphs.batch))
        children = make_children(self.children_of, graphs.x.index_select(0, selection.split))
        output = self._expand(graphs, selection, children, tau)
        if not is_sampled:
            return output
        steps = score_steps(score, graphs.batch, graphs.num_graphs)
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
        node_score: Tensor | None = None,
        threshold: Tensor | None = None,
        levels: int | None = None,
        min_mass: float = 1.0,
        max_cuts: int | None = None,
    ) -> Cuts[SplitOutput]:
        """Return every graph that a noisy threshold can lead to, with its probability.

        A graph of n nodes has at most n + 1 cuts, with n nodes before splitting each. The children
        of a node are made once, for all cuts that split it. BatchNorm in a model behind this batch
        computes its statistics over all cuts of all graphs; LayerNorm and GraphNorm treat each cut
        by itself.

        Args:
            x: As for :meth:`forward`, and so are the next six.
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N].
            batch_size: B.
            node_score: [N].
            threshold: [B].
            levels: Split in at most this many steps per graph: its steps are split by rank into
                groups of equal size, and each group happens at its lowest height. The expectation
                over this coarser family is exact.
            min_mass: In (0, 1]. Keep the fewest cuts of each graph that together have this
                probability, renormalised; ``dropped`` is the rest. If a single cut is left, the
                threshold has no gradient.
            max_cuts: Sample this many cuts of any graph that has more (unbiased). Use at least 2:
                with 1 there is no baseline.

        Differentiation: exact: ``output.x`` in x and the parameters of the children,
            ``output.edge_attr`` in edge_attr, ``weight`` in the threshold, and in x and the
            parameters of the score wherever no two scores tie.
        Cost: O(N log N + N' F + E') for N' nodes and E' edges over all cuts.
        """
        levels, max_cuts = check_bounds(levels, min_mass, max_cuts)
        graphs = self._check_graphs(x, edge_index, edge_attr, batch, batch_size)
        tau = self._check_threshold(threshold, graphs)
        score = self._scores(graphs, node_score)
        steps = score_steps(score, graphs.batch, graphs.num_graphs)
        if levels is not None:
            steps = steps.coarsen(levels)
        sample = steps.sample(tau, self.temperature, min_mass, max_cuts)
        copies = repeat_graphs(graphs.edge_index, graphs.batch, graphs.num_graphs, sample.graph)
        copied = graphs.copy(copies, sample.graph.numel())
        selection = place_children(steps.step[copies.node] <= sample.level[copies.batch])
        split_copies = copies.node.index_select(0, selection.split)
        has_children = torch.zeros_like(graphs.batch).index_fill_(0, split_copies, 1)
        split = has_children.nonzero().view(-1)
        children = make_children(self.children_of, graphs.x.index_select(0, split))
        original = (has_children.cumsum(0) - 1).index_select(0, split_copies)
        per_cut = tau if threshold is None else tau[sample.graph]
        return sample.with_output(
            self._expand(copied, selection, children.index_select(0, original), per_cut), copies
        )

    @uncompiled
    def scores(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        node_score: Tensor | None = None,
    ) -> Tensor:
        """Return the score [N] of each node; arguments as for :meth:`forward`.

        Differentiation: exact in x and in the parameters of the score.
        """
        graphs = self._check_graphs(x, edge_index, edge_attr, batch, batch_size)
        return self._scores(graphs, node_score)

    def select(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        node_score: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> SplitSelection:
        """Return the nodes that split at the threshold; arguments as for :meth:`forward`."""
        graphs = self._check_graphs(x, edge_index, edge_attr, batch, batch_size)
        tau = self._check_threshold(threshold, graphs).detach()
        return select_nodes(self._scores(graphs, node_score), per_node(tau, graphs.batch))

    def connect(
        self, selection: SplitSelection, edge_index: Tensor, edge_attr: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return the edges of the output nodes, and their attributes."""
        return connect_children(selection, edge_index, edge_attr, self.connect_name)

    def _check_graphs(self, *inputs: object) -> Graphs:
        graphs = self._check(*inputs)
        if graphs.x.size(1) != self.in_channels:
            raise ValueError(
                f"Expected 'x' to have in_channels={self.in_channels} features (got "
                f"{graphs.x.size(1)})"
            )
        return graphs

    def _scores(self, graphs: Graphs, node_score: object) -> Tensor:
        score = node_scores(self.score, graphs, node_score, self.check_finite)
        if node_score is None:
            self._check_range(score)
        return score

    def _expand(
        self, graphs: Graphs, selection: SplitSelection, children: Tensor, threshold: Tensor
    ) -> SplitOutput:
        """The graph whose nodes are the children of those that split, and the others."""
        share = torch.promote_types(graphs.x.dtype, torch.float)
        weight = 1 / (1 + selection.is_split.to(share))
        history = SplitHistory(
            parent=selection.parent,
            weight=weight.index_select(0, selection.parent),
            num_nodes=graphs.x.size(0),
            num_graphs=graphs.num_graphs,
            threshold=threshold.detach(),
            log_prob=weight.new_zeros(graphs.num_graphs),
        )
        return SplitOutput(
            expand_nodes(graphs.x, children, selection, (threshold, *self.score.parameters())),
            *self.connect(selection, graphs.edge_index, graphs.edge_attr),
            graphs.batch.index_select(0, selection.parent),
            history,
        )

    def extra_repr(self) -> str:
        """Return the options, for ``repr``, which shows the modules below them."""
        return (
            f"{self.in_channels}, threshold={float(self.threshold.detach()):.4g}, "
            f"connect={self.connect_name!r}, logits={self.logits}, estimator={self.estimator!r}, "
            f"temperature={self.temperature}, check_finite={self.check_finite}"
        )
