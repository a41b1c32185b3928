"""Gradients of the estimators, against functions written here."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise, product
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from pyg_grapheme.nn.pool import Estimator, EstimatorInput, Gate, NoEstimator, ThresholdMergePool
from pyg_grapheme.nn.pool.estimators.estimators import StraightThrough, resolve_estimator
from pyg_grapheme.testing import enumerate_clusterings
from pyg_grapheme.typing import MergeName

SEEDS = range(4)
MERGES = get_args(MergeName)
RAW = torch.tensor(-0.4, dtype=torch.double)
TEMPERATURE = 0.2


def pooled(estimator: str, merge: MergeName, edge_index: Tensor, x: Tensor, raw: Tensor) -> Tensor:
    pool = ThresholdMergePool(estimator=estimator, merge=merge, temperature=TEMPERATURE).double()
    return functional_call(pool, {"raw_threshold": raw}, (x, edge_index)).x


def oracle(x: Tensor, edge_index: Tensor, raw: Tensor, merge: MergeName, blend: str) -> Tensor:
    """The blend of every cluster, one after the other, by enumeration and loops."""
    threshold = torch.sigmoid(raw)
    edges = edge_index.T.tolist()
    score = {
        (u, v): torch.nn.functional.cosine_similarity(x[u], x[v], dim=0)
        for u, v in {tuple(sorted(edge)) for edge in edges}
        if u != v
    }
    found = enumerate_clusterings(x.tolist(), edges, merge=merge)
    # A node, and the height of a merge of its cluster.
    heights = [(u, s) for (u, _), s in score.items()] if merge == "components" else []
    for fine, coarse in pairwise(found if merge != "components" else []):
        (part,) = (p for p in coarse.clusters if p not in fine.clusters)
        left, right = (p for p in fine.clusters if p[0] in part)
        ends = list(product(left, right)) + list(product(right, left))
        between = torch.stack([score[pair] for pair in ends if pair in score])
        heights.append((part[0], between.min() if merge == "complete" else between.mean()))
    rows = []
    for members in next(c.clusters for c in found if c.low <= threshold < c.high):
        inside = [s for node, s in heights if node in members and s > threshold]
        w = x.new_ones(())
        if inside:
            w = torch.sigmoid((torch.stack(inside) - threshold) / TEMPERATURE).mean()
        mean = x[members].mean(dim=0)
        rows.append(w * mean if blend == "gate" else (1 - w) * x[members[0]] + w * mean)
    return torch.stack(rows)


def away_from_ties(x: Tensor, edge_index: Tensor) -> bool:
    score = torch.nn.functional.cosine_similarity(x[edge_index[0]], x[edge_index[1]])
    return bool(((score - torch.sigmoid(RAW)).abs() > 1e-4).all())


def test_gate_is_the_mean_scaled_by_soft_membership(draw_graphs: Callable) -> None:
    for seed, merge in product(SEEDS, MERGES):
        graphs = draw_graphs(seed, [12])
        out = pooled("gate", merge, graphs.edge_index, graphs.x, RAW)
        assert 1 < len(out) < 12
        expected = oracle(graphs.x, graphs.edge_index, RAW, merge, "gate")
        torch.testing.assert_close(out, expected)


def test_gradcheck_of_gate(draw_graphs: Callable) -> None:
    for seed, merge in zip(SEEDS, MERGES, strict=True):
        graphs = draw_graphs(seed, [8])
        assert away_from_ties(graphs.x, graphs.edge_index)
        of_inputs = partial(pooled, "gate", merge, graphs.edge_index)
        inputs = (graphs.x.requires_grad_(), RAW.clone().requires_grad_())
        assert torch.autograd.gradcheck(of_inputs, inputs)
        assert torch.autograd.gradgradcheck(of_inputs, inputs)


def test_straight_through_is_none_forward_and_in_x(draw_graphs: Callable) -> None:
    for seed, merge in product(SEEDS, MERGES):
        graphs = draw_graphs(seed, [12])
        x = graphs.x.requires_grad_()
        plain = pooled("none", merge, graphs.edge_index, x, RAW)
        through = pooled("straight_through", merge, graphs.edge_index, x, RAW)
        assert through.equal(plain)
        weight = torch.randn_like(plain)
        (expected,) = torch.autograd.grad(plain, x, weight)
        (found,) = torch.autograd.grad(through, x, weight)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_straight_through_moves_the_threshold_as_the_blend(draw_graphs: Callable) -> None:
    for seed, merge in product(SEEDS, MERGES):
        graphs = draw_graphs(seed, [12])
        raw = RAW.clone().requires_grad_()
        blend = oracle(graphs.x, graphs.edge_index, raw, merge, "straight_through")
        weight = torch.randn(blend.shape, generator=torch.Generator().manual_seed(seed)).double()
        (expected,) = torch.autograd.grad(blend, raw, weight)
        found = pooled("straight_through", merge, graphs.edge_index, graphs.x, raw)
        (gradient,) = torch.autograd.grad(found, raw, weight)
        assert abs(float(expected)) > 1e-3
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=0)


def test_none_leaves_the_threshold_alone(draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, [12])
    raw = RAW.clone().requires_grad_()
    for merge in MERGES:
        out = pooled("none", merge, graphs.edge_index, graphs.x, raw)
        (gradient,) = torch.autograd.grad(out.square().sum(), raw)
        assert gradient.item() == 0, merge


@pytest.mark.parametrize(
    ("name", "kind"),
    [("none", NoEstimator), ("gate", Gate), ("straight_through", StraightThrough)],
)
def test_names_stand_for_estimators(name: str, kind: type[Estimator]) -> None:
    estimator = resolve_estimator(name)
    assert type(estimator) is kind
    assert repr(estimator) == f"{kind.__name__}()"
    assert resolve_estimator(estimator) is estimator


def test_a_stranger_s_estimator_sees_the_merge() -> None:
    class Doubled(Estimator):
        differentiates_scores = False

        def __call__(self, merge: EstimatorInput) -> Tensor:
            return 2 * merge.pooled

    x, edge_index = torch.tensor([[1.0, 1.0], [3.0, 3.0]]), torch.tensor([[0], [1]])
    assert ThresholdMergePool(estimator=Doubled())(x, edge_index).x.tolist() == [[4.0, 4.0]]
