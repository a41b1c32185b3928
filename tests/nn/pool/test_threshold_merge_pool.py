"""The layer at the plain threshold, against the oracle and loops."""

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest
import torch
import torch_geometric.typing
from torch import Tensor

from pyg_grapheme.nn.pool import ThresholdMergePool
from pyg_grapheme.testing import enumerate_clusterings
from pyg_grapheme.typing import MergeName

SEEDS = range(8)
SIZES = [0, 9, 0, 1, 14, 0]
ESTIMATORS = ["none", "gate", "straight_through"]
NO_EDGES = torch.empty(2, 0, dtype=torch.long)


def clusters_at(
    threshold: float, x: Tensor, edge_index: Tensor, merge: MergeName = "components"
) -> list[list[int]]:
    found = enumerate_clusterings(x.tolist(), edge_index.T.tolist(), merge=merge)
    return next(c.clusters for c in found if c.low <= threshold < c.high)


@pytest.mark.parametrize("threshold", [0.1, 0.6, 0.95])
def test_forward_is_the_quotient_graph(threshold: float, draw_graphs: Callable) -> None:
    for seed, merge in product(SEEDS, get_args(MergeName)):
        graphs = draw_graphs(seed, SIZES)
        out = ThresholdMergePool(threshold, merge=merge).double()(*graphs)
        clusters = clusters_at(threshold, graphs.x, graphs.edge_index, merge)
        label = {node: k for k, part in enumerate(clusters) for node in part}
        assert out.history.cluster.tolist() == [label[i] for i in range(len(graphs.x))]
        assert out.history.num_clusters == len(clusters)
        assert out.history.num_graphs == len(SIZES)
        assert out.batch.tolist() == [int(graphs.batch[part[0]]) for part in clusters]
        mean = torch.stack([graphs.x[part].sum(dim=0) / len(part) for part in clusters])
        torch.testing.assert_close(out.x, mean)
        total: dict[tuple[int, int], Tensor] = defaultdict(lambda: torch.zeros(2).double())
        for (u, v), attr in zip(graphs.edge_index.T.tolist(), graphs.edge_attr, strict=True):
            if label[u] != label[v]:
                total[label[u], label[v]] += attr
        assert [tuple(e) for e in out.edge_index.T.tolist()] == sorted(total)
        torch.testing.assert_close(out.edge_attr, torch.stack([total[e] for e in sorted(total)]))


def test_a_score_at_the_threshold_does_not_merge() -> None:
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    edge_index = torch.tensor([[0], [1]])
    pool = ThresholdMergePool(0.5)
    assert (pool.threshold.item(), pool.select(x, edge_index).candidates.score.tolist()) == (
        0.5,
        [0.5],
    )
    for pool.merge in get_args(MergeName):
        assert pool(x, edge_index).history.num_clusters == 2, pool.merge
        assert pool(x, edge_index, threshold=torch.tensor([0.5 - 1e-7])).x.size(0) == 1, pool.merge


def test_the_threshold_s_gradient_is_zero_not_none_without_edges() -> None:
    pools = [ThresholdMergePool(estimator=estimator) for estimator in (*ESTIMATORS, "none")]
    for pool in pools[:-1]:
        pool(torch.ones(1, 3), NO_EDGES).x.sum().backward()
    cuts = pools[-1].cuts(torch.ones(1, 3), NO_EDGES)
    cuts.expectation(cuts.output.x).sum().backward()
    assert [pool.raw_threshold.grad for pool in pools] == [torch.tensor(0.0)] * 4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_input_gives_the_same_bits(estimator: str, draw_graphs: Callable) -> None:
    for merge in get_args(MergeName):
        results = []
        for _ in range(2):
            graphs = draw_graphs(3, SIZES)
            pool = ThresholdMergePool(0.4, merge=merge, estimator=estimator).double()
            out = pool(graphs.x.requires_grad_(), *graphs[1:])
            out.x.square().sum().backward()
            results.append((out.x, out.edge_attr, graphs.x.grad, pool.raw_threshold.grad))
        assert all(a.equal(b) for a, b in zip(*results, strict=True)), merge


WITHOUT_SCATTER = not torch_geometric.typing.WITH_TORCH_SCATTER


@pytest.mark.parametrize(
    "with_scatter",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(WITHOUT_SCATTER, reason="torch_scatter is not installed"),
        ),
    ],
    ids=["without torch_scatter", "with torch_scatter"],
)
def test_max_and_its_gradient_need_no_torch_scatter(
    with_scatter: bool, draw_graphs: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_geometric.typing, "WITH_TORCH_SCATTER", with_scatter)
    graphs = draw_graphs(2, SIZES)
    x = graphs.x.clone().requires_grad_()
    clusters = clusters_at(0.4, graphs.x, graphs.edge_index)
    expected = torch.stack([x[part].max(dim=0).values for part in clusters])
    out = ThresholdMergePool(0.4, reduce="max", estimator="none").double()(x, *graphs[1:])
    torch.testing.assert_close(out.x, expected)
    weight = torch.randn_like(expected)
    (gradient,) = torch.autograd.grad(out.x, x, weight)
    (wanted,) = torch.autograd.grad(expected, x, weight)
    torch.testing.assert_close(gradient, wanted)


def test_the_temperature_can_be_lowered_but_not_to_zero() -> None:
    pool = ThresholdMergePool()
    pool.temperature = 0.01
    assert pool.temperature == 0.01
    for value in (0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="'temperature' to be positive"):
            pool.temperature = value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, r"'threshold' to be in \(0, 1\), .* \(got 0\)"),
        ({"threshold": 1.0}, r"'threshold' to be in \(0, 1\), .* \(got 1.0\)"),
        ({"threshold": float("nan")}, r"'threshold' .*\(got nan\)"),
        ({"temperature": 0}, r"'temperature' to be positive \(got 0\)"),
        ({"temperature": -0.1}, r"'temperature' to be positive \(got -0.1\)"),
        ({"temperature": float("inf")}, r"'temperature' to be positive \(got inf\)"),
        ({"temperature": float("nan")}, r"'temperature' to be positive \(got nan\)"),
        (
            {"edge_reduce": "median"},
            r"'edge_reduce' to be one of 'sum', 'mean', 'min', 'max', 'mul' \(got 'median'\)",
        ),
        ({"reduce": "avarage"}, r"'reduce' to be a PyG aggregation.* \(got 'avarage'\)"),
        ({"reduce": ""}, r"'reduce' to be a PyG aggregation.* \(got ''\)"),
        ({"reduce": "lstm"}, r"'reduce' to be a PyG aggregation.* \(got 'lstm'\)"),
        ({"threshold": 0.999999999}, r"'threshold' to be in \(0, 1\)"),
        ({"score": "dot"}, r"'score' to be one of 'cosine' or a module \(got 'dot'\)"),
        ({"candidates": "every"}, r"'candidates' to be one of 'edges', 'all' \(got 'every'\)"),
        ({"block_size": 0}, r"'block_size' to be at least 1 \(got 0\)"),
        ({"block_size": 1e6}, r"'block_size' to be an int \(got 1000000.0\)"),
        ({"block_size": True}, r"'block_size' to be an int \(got True\)"),
        ({"threshold": "0.5"}, r"'threshold' to be in \(0, 1\), .* \(got '0.5'\)"),
        ({"acyclic": "no"}, r"'acyclic' to be True or False \(got 'no'\)"),
        ({"check_finite": 0}, r"'check_finite' to be True or False \(got 0\)"),
        ({"merge": "component"}, r"'merge' to be one of 'components', 'average', .* \(got 'comp"),
        (
            {"estimator": "gat"},
            r"'estimator' to be one of 'none', 'gate', .*, 'reinforce' \(got 'gat'\)",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ThresholdMergePool(**options)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'treshold'"):
        ThresholdMergePool(treshold=0.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'lifting'"):
        ThresholdMergePool()(torch.ones(1, 1), NO_EDGES, lifting=True)


def test_repr_says_every_option() -> None:
    pool = ThresholdMergePool(0.25, reduce="max", edge_reduce="min", estimator="none")
    assert repr(pool) == (
        "ThresholdMergePool(threshold=0.25, score='cosine', logits=False, candidates='edges', "
        "merge='components', reduce=MaxAggregation(), edge_reduce='min', "
        "estimator=NoEstimator(), temperature=0.1, acyclic=False, "
        "check_finite=True, block_size=1048576)"
    )


@pytest.mark.parametrize("threshold", [0.01, 0.25, 0.69, 0.99])
def test_the_parameter_is_the_logit_and_can_be_reset(threshold: float) -> None:
    pool = ThresholdMergePool(threshold)
    logit = math.log(threshold / (1 - threshold))
    assert pool.raw_threshold.item() == pytest.approx(logit, rel=1e-6)
    assert pool.threshold.item() == pytest.approx(threshold, rel=1e-6)
    with torch.no_grad():
        pool.raw_threshold.fill_(3.0)
    pool.reset_parameters()
    assert pool.raw_threshold.item() == pytest.approx(logit, rel=1e-6)


def test_the_published_start_is_sigmoid_of_eight_tenths() -> None:
    assert ThresholdMergePool().raw_threshold.item() == pytest.approx(0.8, abs=1e-3)


def test_select_and_connect_can_be_used_on_their_own(draw_graphs: Callable) -> None:
    graphs = draw_graphs(4, SIZES)
    pool = ThresholdMergePool(0.4).double()
    out = pool(*graphs)
    selection = pool.select(graphs.x, graphs.edge_index)
    assert selection.cluster.equal(out.history.cluster)
    edge_index, edge_attr = pool.connect(selection, graphs.edge_index, graphs.edge_attr)
    assert edge_index.equal(out.edge_index)
    assert edge_attr.equal(out.edge_attr)


def test_32_bit_edges_give_the_same_clusters_where_their_products_overflow() -> None:
    nodes = torch.arange(60000)
    edge_index = torch.stack([nodes[:-1], nodes[1:]])
    x = torch.randn(60000, 2, generator=torch.Generator().manual_seed(0))
    pool = ThresholdMergePool()
    expected = pool(x, edge_index)
    found = pool(x, edge_index.int())
    assert torch.equal(found.history.cluster, expected.history.cluster)
    assert torch.equal(found.edge_index, expected.edge_index)
