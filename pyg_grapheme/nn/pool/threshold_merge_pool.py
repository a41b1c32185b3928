"""The layer: merge nodes that are similar enough, and learn how similar that is."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn.inits import reset

from pyg_grapheme.filtration.noise import draw_thresholds
from pyg_grapheme.graphs.check_graphs import Graphs
from pyg_grapheme.nn.pool.all_thresholds import AllThresholds
from pyg_grapheme.nn.pool.connect import coarse_batch, connect_clusters
from pyg_grapheme.nn.pool.dendrogram.cuts import drawn_log_prob
from pyg_grapheme.nn.pool.eager import eager
from pyg_grapheme.nn.pool.estimators.estimators import Estimator, Merge, resolve_estimator
from pyg_grapheme.nn.pool.history import MergeHistory, make_history
from pyg_grapheme.nn.pool.output import PoolOutput
from pyg_grapheme.nn.pool.pool_data import pool_data
from pyg_grapheme.nn.pool.reduce import reduce_members, resolve_reduce, with_gradient
from pyg_grapheme.nn.pool.select import Selection, select_components
from pyg_grapheme.options import expect_between, expect_count, expect_flag, expect_one_of
from pyg_grapheme.typing import CandidatesName, EstimatorName, MergeName


class ThresholdMergePool(AllThresholds):
    r"""Merge the nodes of a graph that are similar enough into a real, coarser graph.

    Two nodes joined by an edge, in either direction, become one where the cosine of their features
    is strictly above the threshold :math:`\tau`, and so, transitively, do all that are linked by
    such pairs. The result is the quotient graph: members are reduced to one node, edges inside a
    cluster vanish, parallel ones become one.

    ``forward`` pools at the plain threshold. :meth:`expect` averages any function of the pooled
    graph over a logistic threshold :math:`\tau + T \epsilon`, exactly: it is smooth in the
    threshold, and that gradient is the true one.

    The parameter is ``raw_threshold`` = logit(threshold). A threshold in (0, 1) never merges pairs
    of negative cosine.

    Args:
        threshold: Initial threshold, in (0, 1). 0.69 is sigmoid(0.8).
        score: How alike two nodes are: "cosine", of their features, or a module
            ``(x_i [M, F], x_j [M, F], edge_attr [M, D] or None) -> [M]``. It sees each pair in both
            orders, and the two are averaged; attributes of parallel edges are reduced first. It
            should end in a sigmoid, for the threshold lies in (0, 1).
        candidates: Which pairs may merge: "edges", the two ends of an edge in either direction; or
            "all", any two nodes of one graph, n (n - 1) / 2 pairs of a graph of n nodes. A learned
            score gets zeros for the attributes of a pair that no edge joins, and should treat each
            pair by itself (no BatchNorm), for it sees the pairs block by block.
        merge: Which of them do: "components", all above the threshold, closed transitively; or
            "matching", greedily, best first, each node in at most one, equal scores in the order of
            a fixed hash of the two nodes' places in their graph.
        reduce: How the members of a cluster become one: any PyG aggregation, by name or as a
            module; its weights, as those of ``score``, are kept as they are handed in.
        edge_reduce: How the attributes of parallel edges become one: "sum", "mean", "min", "max"
            or "mul".
        estimator: What gradient the threshold gets from ``forward``: "none", a zero; "reinforce",
            an unbiased one, by way of ``ReinforceLoss``; "gate", "straight_through" and "gumbel",
            biased ones; or as an ``Estimator`` says. "gumbel" and "reinforce" draw a threshold for
            each graph, in training only. :meth:`expect` needs none of them.
        temperature: T > 0, the width of the noise.
        acyclic: Keep a directed acyclic graph acyclic: nodes that would lie on a cycle of the
            quotient (a strongly connected component) are merged too. Input with a cycle is an
            error. Quick where node ids are a topological order already, as in text.
        check_finite: Refuse NaN and infinity in the features and in learned scores. Without the
            check, for a gradient scaler that waits for them to pass through, NaN merges with
            nothing.
        block_size: Most pairs scored at a time with ``candidates="all"``: what bounds its memory.

    Shapes:
        x [N, F], edge_index [2, E], edge_attr [E] or [E, D], batch [N] sorted
        -> :class:`PoolOutput`.

    Raises:
        ValueError: for an option that is not known, or input that does not fit, naming both.

    Differentiation:
        Exact in x and edge_attr for the graph that comes out; the threshold's as the estimator
        says, and never None. What is known at one cut of the loss says nothing of the others: see
        :meth:`expect`, which is exact in everything, where no two scores tie. A learned score
        learns from it, and from ``forward`` with an estimator other than "none".

    Cost: O(N F + M F + (N + M + E) log N) for M candidate pairs. A matching goes through what is
        left of the pairs in rounds: O(log M) of them for random scores and for equal ones, but one
        for every second pair of a path along which scores fall (0.8 s for 1e4 nodes, growing with
        the square). ``acyclic`` may take as many rounds as paths are long, where ids are no
        topological order. All pairs of a graph are scored once a round by a matching, and up to
        four times by components, where they take several blocks.

    Compilation: how many nodes come out depends on the data, so ``torch.compile`` leaves the pool
        out: one graph break in a model, and what stands before and behind it is compiled.

    Example:
        >>> pool = ThresholdMergePool(threshold=0.9)
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> edge_index = torch.tensor([[0, 1], [1, 2]])
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
        candidates: CandidatesName = "edges",
        merge: MergeName = "components",
        reduce: str | nn.Module = "mean",
        edge_reduce: str = "sum",
        estimator: EstimatorName | Estimator = "none",
        temperature: float = 0.1,
        acyclic: bool = False,
        check_finite: bool = True,
        block_size: int = 2**20,
    ) -> None:
        super().__init__()
        # Closer to 1 than this, the logit has no digits left in float32.
        expect_between("threshold", threshold, 0, 1 - 1e-7, "in (0, 1), and not within 1e-7 of 1")
        expect_between("temperature", temperature, 0, math.inf, "positive")
        expect_flag("acyclic", acyclic)
        expect_flag("check_finite", check_finite)
        if not isinstance(score, nn.Module):
            expect_one_of("score", score, ("cosine",))
        expect_one_of("candidates", candidates, get_args(CandidatesName))
        expect_one_of("merge", merge, get_args(MergeName))
        expect_one_of("edge_reduce", edge_reduce, ("sum", "mean", "min", "max", "mul"))
        self.initial_threshold = threshold
        self.score, self.candidates, self.merge = score, candidates, merge
        self.temperature = temperature
        self.acyclic = acyclic
        self.check_finite = check_finite
        self.block_size = expect_count("block_size", block_size)
        self.edge_reduce = edge_reduce
        self.reduce = resolve_reduce(reduce)
        self.estimator = resolve_estimator(estimator)
        # A score or an aggregation that is handed in keeps its weights, which may be trained ones.
        self.raw_threshold = nn.Parameter(torch.tensor(self._initial_raw_threshold()))

    def reset_parameters(self) -> None:
        """Return to the initial threshold, and to new weights of score and aggregation."""
        reset(self.reduce)
        reset(self.score)
        with torch.no_grad():
            self.raw_threshold.fill_(self._initial_raw_threshold())

    def _initial_raw_threshold(self) -> float:
        return math.log(self.initial_threshold / (1 - self.initial_threshold))

    @eager
    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> PoolOutput:
        """Pool at the plain threshold.

        Args:
            x: [N, F].
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N], sorted; one graph if None.
            batch_size: B, needed where graphs at the end are empty.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        threshold = self._draw(graphs)
        of_nodes = threshold if threshold.dim() == 0 else threshold[graphs.batch]
        selection = self._select(graphs, of_nodes.detach())
        cluster, num_clusters = selection[:2]
        pooled = reduce_members(self.reduce, x, cluster, num_clusters)
        merge = Merge(x, pooled, selection, of_nodes, self.temperature)
        return PoolOutput(
            with_gradient(self.estimator(merge), self.threshold),
            *self.connect(selection, graphs.edge_index, edge_attr),
            coarse_batch(graphs.batch, cluster, num_clusters),
            self._record(graphs, selection, threshold),
        )

    def pool_data(self, data: Data) -> Batch:
        """Pool a ``Data`` or ``Batch``, with ``pos``, ``y`` and its other fields.

        See :func:`pyg_grapheme.nn.pool.pool_data.pool_data` for what becomes of each.
        """
        return pool_data(self, self.edge_reduce, data)

    def select(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Selection:
        """Decide which nodes become one; arguments as for :meth:`forward`."""
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        return self._select(graphs, self.threshold.detach())

    def connect(
        self, selection: Selection, edge_index: Tensor, edge_attr: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Carry the edges over to the clusters."""
        return connect_clusters(*selection[:2], edge_index, edge_attr, self.edge_reduce)

    def _draw(self, graphs: Graphs) -> Tensor:
        """The threshold, or one [B] a graph where the estimator draws them and this is training."""
        if not (self.estimator.draws and self.training):
            return self.threshold
        return draw_thresholds(self.threshold, self.temperature, graphs.num_graphs)

    def _select(self, graphs: Graphs, threshold: Tensor) -> Selection:
        if not self.estimator.differentiates_scores:
            graphs = graphs.detach()
        # What is below the threshold does not change which pairs above it are matched; only to the
        # probability of the draw it matters.
        above = None if self.estimator.needs_log_prob else threshold
        candidates = self._candidates(graphs, above)
        dag = graphs.edge_index if self.acyclic else None
        return select_components(candidates, threshold, graphs.x.size(0), dag)

    def _record(self, graphs: Graphs, selection: Selection, threshold: Tensor) -> MergeHistory:
        history = make_history(*selection[:2], graphs.num_graphs, threshold, graphs.x.dtype)
        if threshold.dim() == 0 or not self.estimator.needs_log_prob:
            return history
        log_prob = drawn_log_prob(
            selection.candidates,
            graphs.batch,
            graphs.num_graphs,
            self.threshold,
            self.temperature,
            threshold.detach(),
        )
        return history._replace(log_prob=log_prob)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(threshold={float(self.threshold.detach()):.4g}, "
            f"score={self.score!r}, candidates={self.candidates!r}, merge={self.merge!r}, "
            f"reduce={self.reduce}, edge_reduce={self.edge_reduce!r}, "
            f"estimator={self.estimator}, temperature={self.temperature}, "
            f"acyclic={self.acyclic}, check_finite={self.check_finite}, "
            f"block_size={self.block_size})"
        )
