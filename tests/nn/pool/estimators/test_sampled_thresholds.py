"""Estimators that sample a threshold: their samples, and their gradient on average."""

import math
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.nn import PoolOutput, ReinforceLoss, ThresholdMergePool
from pyg_grapheme.testing import enumerate_clusterings, expected_value
from pyg_grapheme.typing import CandidatesName, MergeName

SIZES = [6, 0, 1, 8, 2]
SAMPLING = ["gumbel", "reinforce"]
TEMPERATURE = 0.3
MERGES = get_args(MergeName)


def make(estimator: str, **options: object) -> ThresholdMergePool:
    return ThresholdMergePool(
        0.45, estimator=estimator, temperature=TEMPERATURE, **options
    ).double()


def loss_of(out: PoolOutput, num_graphs: int) -> Tensor:
    """Something smooth that tells clusterings apart, [B]."""
    return scatter(out.x.sin().sum(1) + 0.3, out.batch, dim_size=num_graphs)


def partition(out: PoolOutput, batch: Tensor, graph: int) -> tuple[int, ...]:
    cluster = out.history.cluster[batch == graph]
    return tuple((cluster - cluster.min()).tolist())


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("candidates", ["edges", "all"])
def test_clusterings_come_as_often_as_their_probability(
    candidates: CandidatesName, merge: MergeName, draw_graphs
) -> None:
    """And ``log_prob`` is the logarithm of that: both against enumeration."""
    torch.manual_seed(0)
    graphs = draw_graphs(0, SIZES)
    pool = make("reinforce", merge=merge, candidates=candidates, block_size=7)
    expected, first = {}, 0
    for g, size in enumerate(SIZES):
        of_graph = graphs.edge_index[:, graphs.batch[graphs.edge_index[0]] == g] - first
        found = enumerate_clusterings(
            graphs.x[graphs.batch == g].tolist(),
            of_graph.T.tolist(),
            candidates=candidates,
            merge=merge,
        )
        for clusters in (c.clusters for c in found if size):
            label = {node: k for k, part in enumerate(clusters) for node in part}
            key = g, tuple(label[node] for node in range(size))
            expected[key] = expected_value(clusters.__eq__, found, 0.45, TEMPERATURE)
        first += size
    seen: dict[tuple[int, tuple[int, ...]], int] = {}
    copies = 10
    same, calls = graphs.repeat(copies), 60 if candidates == "edges" else 15
    draws = calls * copies
    for _ in range(calls):
        out = pool(*same)
        for copy_of_g in range(same.batch_size):
            g = copy_of_g % len(SIZES)
            if not SIZES[g]:
                continue
            key = g, partition(out, same.batch, copy_of_g)
            seen[key] = seen.get(key, 0) + 1
            log_prob = out.history.log_prob[copy_of_g].item()
            assert log_prob == pytest.approx(math.log(expected[key]), abs=1e-5)
    for key, probability in expected.items():
        deviation = (probability * (1 - probability) / draws) ** 0.5
        assert abs(seen.get(key, 0) / draws - probability) < 5 * deviation + 1e-3


@pytest.mark.parametrize("estimator", SAMPLING)
def test_in_evaluation_nothing_is_drawn(estimator: str, draw_graphs) -> None:
    graphs = draw_graphs(1, SIZES)
    pool = make(estimator).eval()
    plain = make("none")(*graphs)
    for _ in range(3):
        out = pool(*graphs)
        assert torch.equal(out.x, plain.x)
        assert out.history.threshold.item() == pytest.approx(0.45)
        assert out.history.log_prob.tolist() == [0] * 5


@pytest.mark.parametrize("estimator", SAMPLING)
def test_each_graph_draws_its_own_and_the_seed_decides(estimator: str, draw_graphs) -> None:
    graphs = draw_graphs(1, SIZES)
    pool = make(estimator)
    torch.manual_seed(3)
    first, second = pool(*graphs), pool(*graphs)
    torch.manual_seed(3)
    again = pool(*graphs)
    assert first.history.threshold.shape == (5,)
    assert first.history.threshold.unique().numel() == 5
    assert torch.equal(first.history.threshold, again.history.threshold)
    assert not torch.equal(first.history.threshold, second.history.threshold)
    assert not first.history.threshold.requires_grad


def test_the_noise_is_logistic() -> None:
    torch.manual_seed(0)
    n = 20_000
    pool = make("gumbel")
    x, batch = torch.ones(n, 1, dtype=torch.double), torch.arange(n)
    drawn = pool(x, torch.empty(2, 0, dtype=torch.long), None, batch).history.threshold
    ordered = ((drawn - 0.45) / TEMPERATURE).sigmoid().sort().values
    uniform = (torch.arange(n) + 0.5) / n
    # Kolmogorov and Smirnov: above 1.95 / sqrt(n) once in a thousand seeds.
    assert (ordered - uniform).abs().max() < 1.95 / n**0.5


def test_gumbel_is_straight_through_at_the_drawn_threshold(draw_graphs) -> None:
    for seed, merge in enumerate(MERGES):
        torch.manual_seed(seed)
        x, edge_index, *_ = draw_graphs(2, [9])
        pool = make("gumbel", merge=merge)
        tau = 2.0
        while not 0.1 < tau < 0.9:
            out = pool(x, edge_index)
            tau = out.history.threshold.item()
        weight = torch.randn_like(out.x)
        (found,) = torch.autograd.grad((out.x * weight).sum(), pool.raw_threshold)
        plain = ThresholdMergePool(
            tau, merge=merge, estimator="straight_through", temperature=TEMPERATURE
        )
        same = plain.double()(x, edge_index)
        assert torch.equal(out.x, same.x)
        (expected,) = torch.autograd.grad((same.x * weight).sum(), plain.raw_threshold)
        # From the other's raw threshold to its threshold, then to the raw threshold of this pool.
        assert found.item() == pytest.approx(float(expected) / (tau * (1 - tau)) * 0.45 * 0.55)
        assert abs(found.item()) > 1e-4


@pytest.mark.parametrize(
    ("merge", "baseline"), [*((m, "running") for m in MERGES), ("components", "leave one out")]
)
def test_reinforce_is_unbiased(merge: str, baseline: str, draw_graphs) -> None:
    """Mean gradient in x and the threshold, within five standard errors of the exact one."""
    torch.manual_seed(0)
    graphs = draw_graphs(3, [6, 1, 8])
    x, edge_index, _, batch, size = graphs
    pool = make("reinforce", merge=merge)

    leaf = x.clone().requires_grad_()
    inputs = [leaf, pool.raw_threshold]
    cuts = pool.cuts(leaf, edge_index, None, batch, size)
    expected = cuts.expectation(loss_of(cuts.output, cuts.num_cuts)).sum()
    exact = torch.cat([g.flatten() for g in torch.autograd.grad(expected, inputs)])
    copies = 2 if baseline == "leave one out" else 1
    # So many at once, independent of each other, are one draw of their mean.
    many = 10
    same = graphs._replace(x=leaf).repeat(many * copies)
    source = torch.arange(size * many).repeat(copies) if copies > 1 else None
    criterion, rows = ReinforceLoss(), []
    for _ in range(80):
        out = pool(same.x, same.edge_index, None, same.batch, same.batch_size)
        losses = criterion(loss_of(out, same.batch_size), out.history, source)
        value = losses.sum() / (many * copies)
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, inputs)]))
    found = torch.stack(rows)
    error = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - exact).abs() <= 5 * error + 1e-9).all())
    assert 0 < error[-1] < 0.2 * exact[-1].abs()


def test_a_baseline_makes_reinforce_less_noisy(draw_graphs) -> None:
    torch.manual_seed(0)
    x, edge_index, _, batch, size = draw_graphs(3, [6, 1, 8])
    pool = make("reinforce")
    rows = []
    criterion = ReinforceLoss()
    for _ in range(400):
        out = pool(x, edge_index, None, batch, size)
        loss = loss_of(out, size) + 10
        with_baseline = criterion(loss, out.history).sum()
        without = (loss.detach() * out.history.log_prob).sum()
        rows.append(
            [
                float(torch.autograd.grad(value, pool.raw_threshold, retain_graph=True)[0])
                for value in (with_baseline, without)
            ]
        )
    spread = torch.tensor(rows)[50:].std(0)
    assert spread[0] < spread[1] / 2


@pytest.mark.parametrize("estimator", SAMPLING)
@pytest.mark.parametrize("sizes", [[], [0], [1], [3, 0, 2]])
def test_nothing_to_draw_for(estimator: str, sizes: list[int]) -> None:
    pool = make(estimator)
    x = torch.randn(sum(sizes), 3, dtype=torch.double, requires_grad=True)
    batch = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long))
    out = pool(x, torch.empty(2, 0, dtype=torch.long), None, batch, len(sizes))
    (out.x.sum() + out.history.log_prob.sum()).backward()
    assert out.history.num_clusters == sum(sizes)
    assert out.history.log_prob.tolist() == [0] * len(sizes)
    assert pool.raw_threshold.grad == 0
