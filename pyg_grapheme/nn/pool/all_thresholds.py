"""A pool's view of all thresholds at once: dendrogram, cuts, and the exact expectation."""

import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pyg_grapheme.graphs.check_graphs import Graphs, check_graphs
from pyg_grapheme.nn.pool.batch_norm import noticing_batch_norm
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.candidates.find import find_candidates
from pyg_grapheme.nn.pool.dendrogram.cuts import enumerate_cuts
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram, single_linkage
from pyg_grapheme.nn.pool.eager import eager
from pyg_grapheme.nn.pool.output import Cuts
from pyg_grapheme.nn.pool.pool_cuts import pool_cuts
from pyg_grapheme.nn.pool.scores.score import make_scorer
from pyg_grapheme.options import expect_between, expect_count
from pyg_grapheme.typing import CandidatesName, MergeName


class AllThresholds(nn.Module):
    """What ``ThresholdMergePool`` does without settling on a threshold.

    The options are those of the pool, which sets them.
    """

    score: Literal["cosine"] | nn.Module
    candidates: CandidatesName
    merge: MergeName
    reduce: nn.Module
    edge_reduce: str
    temperature: float
    acyclic: bool
    check_finite: bool
    block_size: int
    raw_threshold: nn.Parameter

    def __init__(self) -> None:
        super().__init__()
        self._has_warned = False

    @property
    def threshold(self) -> Tensor:
        """The threshold, sigmoid(raw_threshold): a differentiable scalar in (0, 1)."""
        return torch.sigmoid(self.raw_threshold)

    @eager
    def dendrogram(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
    ) -> Dendrogram:
        """List the merges of every graph as the threshold falls: all thresholds at once.

        Arguments as for :meth:`forward`.

        Differentiation: ``height`` is exact in x and in the parameters of a learned score.
        """
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        return single_linkage(self._candidates(graphs), graphs.batch, graphs.num_graphs)

    @eager
    def cuts(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        mass: float = 1.0,
        max_cuts: int | None = None,
    ) -> Cuts:
        """List every pooled graph that a logistic threshold can lead to, with its probability.

        A graph of n nodes has at most n cuts of n nodes each: n^2 numbers, times the features.
        ``max_cuts`` bounds them.

        Args:
            x: As the rest, as for :meth:`forward`.
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N].
            batch_size: B.
            mass: Of each graph, the most probable cuts that together have at least this
                probability, in (0, 1]; ``dropped`` says what the others had. What is left is
                renormalised and differentiated as it is: where a single cut is left, the threshold
                has no gradient.
            max_cuts: Of a graph with more cuts than this, so many are drawn; ``weight`` is such
                that averages stay unbiased, and so do their gradients. With one alone there is no
                baseline, and much more noise.

        Differentiation: exact: ``output.x`` in x, ``output.edge_attr`` in edge_attr, ``weight`` in
        the threshold, and in x and the parameters of a learned score wherever no two scores tie.
        With ``merge="matching"`` the expectation jumps in x where two scores change places.
        """
        expect_between("mass", mass, 0, math.nextafter(1, 2), "in (0, 1]")
        max_cuts = None if max_cuts is None else expect_count("max_cuts", max_cuts)
        graphs = self._check(x, edge_index, edge_attr, batch, batch_size)
        structure = enumerate_cuts(
            self._candidates(graphs),
            graphs.batch,
            graphs.num_graphs,
            self.threshold,
            self.temperature,
            mass,
            max_cuts,
        )
        return pool_cuts(
            structure, graphs, self.reduce, self.edge_reduce, self.acyclic, self.threshold
        )

    def expect(
        self,
        fn: Callable[[Cuts], Tensor],
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        batch_size: int | None = None,
        *,
        mass: float = 1.0,
        max_cuts: int | None = None,
    ) -> Tensor:
        """Average a function of the pooled graph over the noise of the threshold, exactly.

        Args:
            fn: From :class:`Cuts` to [R, ...], one row a cut: a loss, a prediction, a readout. It
                must treat each cut by itself (no BatchNorm: there is a warning, once).
            x: As the rest, as for :meth:`forward`.
            edge_index: [2, E].
            edge_attr: [E] or [E, D].
            batch: [N].
            batch_size: B.
            mass: As for :meth:`cuts`.
            max_cuts: As for :meth:`cuts`.

        Returns:
            [B, ...], the expectation for each graph.

        Differentiation: exact in everything that ``fn`` and the cuts depend on; where cuts are
            drawn, unbiased; with ``mass`` below 1, that of the cuts that are left.
        """
        cuts = self.cuts(x, edge_index, edge_attr, batch, batch_size, mass=mass, max_cuts=max_cuts)
        with noticing_batch_norm() as met:
            value = fn(cuts)
        if met and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"'fn' uses {met[0]} in training, which mixes the cuts of all graphs: the value of "
                "a cut is then not its own. LayerNorm or GraphNorm treat each by itself.",
                stacklevel=2,
            )
        return cuts.average(value)

    def _check(self, *inputs: Any) -> Graphs:
        return check_graphs(*inputs, check_finite=self.check_finite)

    def _candidates(self, graphs: Graphs, above: Tensor | None = None) -> Candidates:
        score = make_scorer(self.score, graphs, self.edge_reduce, self.check_finite)
        return find_candidates(score, graphs, self.candidates, self.merge, self.block_size, above)
