"""Estimators that draw a threshold: what they draw, and what gradient that gives on average."""

import copy
import math

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.nn import PoolOutput, ReinforceLoss, ThresholdMergePool
from pyg_grapheme.nn.pool import Cuts

SIZES = [6, 0, 1, 8, 2]
DRAWING = ["gumbel", "reinforce"]
TEMPERATURE = 0.3


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


@pytest.mark.parametrize("merge", ["components", "matching"])
@pytest.mark.parametrize("candidates", ["edges", "all"])
def test_clusterings_come_as_often_as_their_probability(
    candidates: str, merge: str, draw_graphs
) -> None:
    """And ``log_prob`` is the logarithm of that: both against the cuts' own weights."""
    torch.manual_seed(0)
    graphs = draw_graphs(0, SIZES)
    pool = make("reinforce", merge=merge, candidates=candidates, block_size=7)
    cuts = pool.cuts(*graphs)
    expected, history = {}, cuts.output.history
    copy = torch.repeat_interleave(torch.tensor(SIZES)[cuts.graph])
    for r, g in enumerate(cuts.graph.tolist()):
        cluster = history.cluster[copy == r]
        if cluster.numel():
            expected[g, tuple((cluster - cluster.min()).tolist())] = float(cuts.weight[r].detach())
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


@pytest.mark.parametrize("estimator", DRAWING)
def test_in_evaluation_nothing_is_drawn(estimator: str, draw_graphs) -> None:
    graphs = draw_graphs(1, SIZES)
    pool = make(estimator).eval()
    plain = make("none")(*graphs)
    for _ in range(3):
        out = pool(*graphs)
        assert torch.equal(out.x, plain.x)
        assert out.history.threshold.item() == pytest.approx(0.45)
        assert out.history.log_prob.tolist() == [0] * 5


@pytest.mark.parametrize("estimator", DRAWING)
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


@pytest.mark.parametrize("seed", range(3))
def test_gumbel_is_straight_through_at_the_drawn_threshold(seed: int, draw_graphs) -> None:
    torch.manual_seed(seed)
    x, edge_index, *_ = draw_graphs(2, [9])
    pool = make("gumbel")
    tau = 2.0
    while not 0.1 < tau < 0.9:
        out = pool(x, edge_index)
        tau = out.history.threshold.item()
    weight = torch.randn_like(out.x)
    (found,) = torch.autograd.grad((out.x * weight).sum(), pool.raw_threshold)
    plain = ThresholdMergePool(tau, estimator="straight_through", temperature=TEMPERATURE)
    same = plain.double()(x, edge_index)
    assert torch.equal(out.x, same.x)
    (expected,) = torch.autograd.grad((same.x * weight).sum(), plain.raw_threshold)
    # From the other's raw threshold to its threshold, and from that to the raw one of this pool.
    assert found.item() == pytest.approx(float(expected) / (tau * (1 - tau)) * 0.45 * 0.55)
    assert abs(found.item()) > 1e-4


@pytest.mark.parametrize("baseline", ["running", "leave one out"])
@pytest.mark.parametrize("merge", ["components", "matching"])
def test_reinforce_is_unbiased(merge: str, baseline: str, draw_graphs) -> None:
    """Mean gradient in x and the threshold, within five standard errors of the exact one."""
    torch.manual_seed(0)
    graphs = draw_graphs(3, [6, 1, 8])
    x, edge_index, _, batch, size = graphs
    pool = make("reinforce", merge=merge)

    def per_cut(cuts: Cuts) -> Tensor:
        return loss_of(cuts.output, len(cuts.graph))

    leaf = x.clone().requires_grad_()
    inputs = [leaf, pool.raw_threshold]
    expected = pool.expect(per_cut, leaf, edge_index, None, batch, size).sum()
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


def test_the_reinforce_loss_has_the_value_of_the_loss(draw_graphs) -> None:
    out = make("reinforce")(*draw_graphs(0, SIZES))
    loss = loss_of(out, 5)
    assert torch.equal(ReinforceLoss()(loss, out.history), loss)


def test_the_running_mean_follows_training_only(draw_graphs) -> None:
    out = make("reinforce")(*draw_graphs(0, SIZES))
    criterion = ReinforceLoss(momentum=0.25)
    criterion(torch.full((5,), 4.0), out.history)
    assert criterion.mean.item() == 4
    criterion(torch.full((5,), 8.0), out.history)
    assert criterion.mean.item() == 5
    criterion.eval()(torch.full((5,), 8.0), out.history)
    assert criterion.mean.item() == 5
    assert copy.deepcopy(criterion).state_dict()["mean"].item() == 5


def test_the_baseline_is_that_of_before_the_loss(draw_graphs) -> None:
    """A loss in its own baseline would be compared with itself: a bias."""
    out = make("reinforce")(*draw_graphs(0, SIZES))
    history = out.history._replace(log_prob=torch.zeros(5).requires_grad_())
    criterion = ReinforceLoss(momentum=0.5)
    criterion(torch.full((5,), 4.0), history)
    loss = torch.tensor([1.0, 2.0, 3.0, 7.0, 9.0])
    criterion(loss, history).sum().backward()
    assert history.log_prob.grad.tolist() == [-3, -2, -1, 3, 5]


def test_a_loss_that_is_not_finite_is_handed_on_and_leaves_nothing_behind(draw_graphs) -> None:
    out = make("reinforce")(*draw_graphs(0, SIZES))
    history = out.history._replace(log_prob=torch.zeros(5).requires_grad_())
    criterion = ReinforceLoss()
    source = torch.tensor([4, 4, 4, -2, -2])
    for of_source in (None, source):
        found = criterion(torch.tensor([math.inf, 2.0, 4.0, math.nan, 6.0]), history, of_source)
        assert found.isfinite().tolist() == [False, True, True, False, True]
    assert criterion.mean.item() == 4
    (found,) = torch.autograd.grad(
        criterion(torch.tensor([1.0, 2.0, 4.0, 8.0, math.inf]), history, source)[:4].sum(),
        history.log_prob,
    )
    # The fourth is alone with the fifth, which is no loss: the running mean stands in.
    assert found[:4].tolist() == [-2, -0.5, 2.5, 4]


def test_bad_losses_and_options_are_refused(draw_graphs) -> None:
    out = make("reinforce")(*draw_graphs(0, SIZES))
    loss = torch.zeros(5, dtype=torch.double)
    with pytest.raises(ValueError, match=r"'loss' to be one .* 5 graphs \(got shape \(3,\)"):
        ReinforceLoss()(torch.zeros(3), out.history)
    with pytest.raises(ValueError, match=r"'loss' to be one floating-point .*torch.int64\)"):
        ReinforceLoss()(loss.long(), out.history)
    for source in (torch.tensor([0]), torch.zeros(5), torch.ones(5, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"'source' to be one integer for each of 5 graphs"):
            ReinforceLoss()(loss, out.history, source)
    with pytest.raises(TypeError, match=r"'source' to be a Tensor \(got list\)"):
        ReinforceLoss()(loss, out.history, [0, 0, 1, 1, 1])
    with pytest.raises(ValueError, match=r"'momentum' to be in \(0, 1\] \(got 0\)"):
        ReinforceLoss(momentum=0)


@pytest.mark.parametrize("estimator", DRAWING)
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
