"""Cuts and the exact expectation, against clusterings enumerated one by one."""

import math
from collections import defaultdict
from collections.abc import Callable

import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool import Cuts, PoolOutput, ThresholdMergePool
from pyg_grapheme.testing import assert_gradients_match, enumerate_clusterings

SEEDS = range(5)
SIZES = [6, 0, 1, 8, 2]
LARGER = [7, 0, 1, 12, 2]
TRIANGLE = torch.tensor([[0, 1, 2], [1, 2, 0]])


def loss_per_cut(cuts: Cuts[PoolOutput]) -> Tensor:
    """Per cut: sum over clusters of sin(sum of x), C^2 / 10, sum over edges of <x_u, x_v> attr."""
    out, num_cuts = cuts.output, cuts.num_cuts
    node = scatter(out.x.sum(dim=1).sin(), out.batch, dim_size=num_cuts)
    count = scatter(torch.ones_like(out.x[:, 0]), out.batch, dim_size=num_cuts)
    u, v = out.edge_index
    edge = (out.x[u] * out.x[v]).sum(dim=1) * out.edge_attr[:, 0]
    return node + count.square() / 10 + scatter(edge, out.batch[u], dim_size=num_cuts)


def expected_loss(pool: ThresholdMergePool, *graphs: object, **options: object) -> Tensor:
    cuts = pool.cuts(*graphs, **options)
    return cuts.expectation(loss_per_cut(cuts))


def oracle_loss(clusters: list[list[int]], x: list, edges: list, attrs: list) -> float:
    label = {node: k for k, part in enumerate(clusters) for node in part}
    mean = [
        [sum(column) / len(part) for column in zip(*(x[i] for i in part), strict=True)]
        for part in clusters
    ]
    total: dict[tuple[int, int], float] = defaultdict(float)
    for (u, v), attr in zip(edges, attrs, strict=True):
        if u in label and label[u] != label[v]:
            total[label[u], label[v]] += attr[0]
    value = sum(math.sin(sum(row)) for row in mean) + len(clusters) ** 2 / 10
    for (u, v), attr in total.items():
        value += attr * sum(a * b for a, b in zip(mean[u], mean[v], strict=True))
    return value


def oracle_cuts(
    graphs: tuple, graph: int, tau: float, temperature: float
) -> list[tuple[float, list[list[int]]]]:
    """Probability and clustering of one graph for each interval between distinct scores."""
    nodes = (graphs.batch == graph).nonzero().view(-1).tolist()
    edges = [
        (nodes.index(u), nodes.index(v)) for u, v in graphs.edge_index.T.tolist() if u in nodes
    ]
    return [
        (
            expit((c.high - tau) / temperature) - expit((c.low - tau) / temperature),
            [[nodes[i] for i in part] for part in c.clusters],
        )
        for c in enumerate_clusterings(graphs.x[nodes].tolist(), edges)
    ]


def oracle_expectation(graphs: tuple, tau: float, temperature: float) -> list[float]:
    data = graphs.x.tolist(), graphs.edge_index.T.tolist(), graphs.edge_attr.tolist()
    return [
        sum(p * oracle_loss(c, *data) for p, c in oracle_cuts(graphs, g, tau, temperature))
        for g in range(graphs.batch_size)
    ]


class ExpectedLoss(nn.Module):
    """The sum of the expected losses as a function of x, edge_attr and the raw threshold."""

    def __init__(self, graphs: tuple, temperature: float = 0.1, **options: str) -> None:
        super().__init__()
        self.pool = ThresholdMergePool(temperature=temperature, **options).double()
        self.graphs = graphs

    def forward(self, x: Tensor, edge_attr: Tensor) -> Tensor:
        _, edge_index, _, batch, batch_size = self.graphs
        return expected_loss(self.pool, x, edge_index, edge_attr, batch, batch_size).sum()

    def of(self, x: Tensor, edge_attr: Tensor, raw: Tensor) -> Tensor:
        return torch.func.functional_call(self, {"pool.raw_threshold": raw}, (x, edge_attr))


@pytest.mark.parametrize(("tau", "temperature"), [(0.69, 0.1), (0.2, 0.5), (0.5, 0.03)])
def test_the_value_is_that_of_the_definition(
    tau: float, temperature: float, draw_graphs: Callable
) -> None:
    for seed in SEEDS:
        graphs = draw_graphs(seed, SIZES)
        pool = ThresholdMergePool(temperature=temperature).double()
        with torch.no_grad():
            pool.raw_threshold.fill_(math.log(tau / (1 - tau)))
        found = expected_loss(pool, *graphs)
        expected = oracle_expectation(graphs, tau, temperature)
        torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=1e-10, atol=1e-10)


def test_gradcheck_in_everything(draw_graphs: Callable) -> None:
    graphs = draw_graphs(7, [5, 0, 1, 4])
    inputs = (graphs.x, graphs.edge_attr, torch.tensor(0.3, dtype=torch.double))
    assert torch.autograd.gradcheck(ExpectedLoss(graphs).of, [t.requires_grad_() for t in inputs])


@pytest.mark.parametrize(
    ("merge", "candidates"), [("components", "edges"), ("matching", "edges"), ("matching", "all")]
)
def test_second_derivatives_in_everything(
    merge: str, candidates: str, draw_graphs: Callable
) -> None:
    graphs = draw_graphs(3, [4, 0, 1, 3])
    expect = ExpectedLoss(graphs, 0.3, merge=merge, candidates=candidates)
    inputs = (graphs.x, graphs.edge_attr, torch.tensor(0.3, dtype=torch.double))
    assert torch.autograd.gradgradcheck(
        expect.of, [t.requires_grad_() for t in inputs], rtol=1e-5, atol=1e-6
    )


def test_cuts_are_the_distinct_clusterings_finest_first(draw_graphs: Callable) -> None:
    for seed in SEEDS:
        graphs = draw_graphs(seed, SIZES)
        cuts = ThresholdMergePool(0.5, temperature=0.2).double().cuts(*graphs)
        expected = []
        for g in range(graphs.batch_size):
            merged: list[list] = []
            for p, clusters in oracle_cuts(graphs, g, 0.5, 0.2):
                if merged and merged[-1][2] == clusters:
                    merged[-1][1] += p
                else:
                    merged.append([g, p, clusters])
            expected += merged
        history = cuts.output.history
        assert cuts.graph.tolist() == [g for g, _, _ in expected]
        assert history.num_graphs == len(expected)
        torch.testing.assert_close(cuts.weight, torch.tensor([p for _, p, _ in expected]).double())
        copy_batch = history.lift(cuts.output.batch)
        for r, (g, _, clusters) in enumerate(expected):
            mine = (copy_batch == r).nonzero().view(-1)
            assert cuts.node[mine].tolist() == (graphs.batch == g).nonzero().view(-1).tolist()
            ids = (cuts.output.batch == r).nonzero().view(-1).tolist()
            assert [cuts.node[history.members(k)].tolist() for k in ids] == clusters
            for k, part in zip(ids, clusters, strict=True):
                torch.testing.assert_close(cuts.output.x[k], graphs.x[part].mean(dim=0))


def test_a_cut_is_what_forward_gives_at_a_threshold_inside_it(draw_graphs: Callable) -> None:
    graphs = draw_graphs(2, [9])
    pool = ThresholdMergePool(estimator="none", temperature=0.01).double()
    for threshold in (0.05, 0.3, 0.6, 0.9):
        with torch.no_grad():
            pool.raw_threshold.fill_(math.log(threshold / (1 - threshold)))
        plain, cuts = pool(*graphs), pool.cuts(*graphs)
        sizes = torch.bincount(cuts.output.batch)
        (r,) = (sizes == plain.history.num_clusters).nonzero().view(-1).tolist()
        assert cuts.output.x[cuts.output.batch == r].equal(plain.x)


def tied_graph() -> tuple[Tensor, Tensor, Tensor]:
    """Two pairs of cosine exactly 0.5 on a cycle with others, and a third that they make moot."""
    x = torch.tensor(
        [[1.0, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 5]]
    ).double()
    edge_index = torch.tensor([[0, 1, 2, 3, 3, 4], [1, 2, 0, 1, 2, 0]])
    return x, edge_index, torch.linspace(-1, 1, 6).double()[:, None]


def expectation_with_gradients(x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> list[Tensor]:
    pool = ThresholdMergePool(temperature=0.2).double()
    pool.raw_threshold.data.fill_(math.log(0.6 / 0.4))
    x = x.clone().requires_grad_()
    value = expected_loss(pool, x, edge_index, edge_attr)
    value.sum().backward()
    return [value.detach(), pool.raw_threshold.grad, x.grad]


def test_ties_have_the_value_of_the_definition(draw_graphs: Callable) -> None:
    x, edge_index, edge_attr = tied_graph()
    graphs = draw_graphs(0, [5])._replace(x=x, edge_index=edge_index, edge_attr=edge_attr)
    value, _, _ = expectation_with_gradients(x, edge_index, edge_attr)
    assert value.item() == pytest.approx(oracle_expectation(graphs, 0.6, 0.2)[0], rel=1e-10)


def test_central_differences_in_the_threshold_at_ties(draw_graphs: Callable) -> None:
    x, edge_index, edge_attr = tied_graph()
    graphs = draw_graphs(0, [5])._replace(edge_index=edge_index)
    expect = ExpectedLoss(graphs)
    raw = torch.tensor(0.4, dtype=torch.double)
    assert_gradients_match(lambda r, a: expect.of(x, a, r), [raw, edge_attr], step=1e-5)


def test_at_ties_the_order_of_nodes_and_edges_decides_nothing() -> None:
    for seed in SEEDS:
        x, edge_index, edge_attr = tied_graph()
        value, threshold_gradient, gradient = expectation_with_gradients(x, edge_index, edge_attr)
        generator = torch.Generator().manual_seed(seed)
        place, order = (
            torch.randperm(5, generator=generator),
            torch.randperm(6, generator=generator),
        )
        moved = torch.empty_like(x)
        moved[place] = x
        found = expectation_with_gradients(moved, place[edge_index[:, order]], edge_attr[order])
        torch.testing.assert_close(found[0], value)
        torch.testing.assert_close(found[1], threshold_gradient)
        torch.testing.assert_close(found[2][place], gradient)


def test_pairs_that_tie_share_the_gradient_of_their_step() -> None:
    x = torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 0, 1]]).double().requires_grad_()
    pool = ThresholdMergePool().double()
    pool.raw_threshold.data.fill_(math.log(0.6 / 0.4))
    cuts = pool.cuts(x, TRIANGLE)
    assert cuts.graph.numel() == 2
    (gradient,) = torch.autograd.grad(cuts.weight[1], x)
    probability = expit((0.5 - 0.6) / 0.1)
    density = probability * (1 - probability) / 0.1
    # The mean of the three cosines moves node i by (x_j + x_k - x_i) / 2 / 3.
    towards = (x.sum(dim=0) - 2 * x).detach() / 6
    torch.testing.assert_close(gradient, density * towards)


def test_at_small_temperatures_it_is_the_loss_at_the_plain_threshold(draw_graphs: Callable) -> None:
    for seed in SEEDS:
        graphs = draw_graphs(seed, SIZES)
        pool = ThresholdMergePool(0.45, estimator="none", temperature=1e-6).double()
        empty = torch.empty(0)
        plain = Cuts(pool(*graphs), torch.arange(len(SIZES)), empty, empty, empty, 0, empty)
        torch.testing.assert_close(expected_loss(pool, *graphs), loss_per_cut(plain))


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_values_of_any_shape_have_an_expectation(
    shape: tuple[int, ...], draw_graphs: Callable
) -> None:
    cuts = ThresholdMergePool().double().cuts(*draw_graphs(1, SIZES))
    value = torch.randn(cuts.num_cuts, *shape, dtype=torch.double)
    expected = torch.zeros(len(SIZES), *shape, dtype=torch.double)
    for r, g in enumerate(cuts.graph.tolist()):
        expected[g] += cuts.weight[r] * value[r]
    torch.testing.assert_close(cuts.expectation(value), expected)


def test_every_copy_has_its_cut_and_its_node(draw_graphs: Callable) -> None:
    graphs = draw_graphs(1, SIZES)
    cuts = ThresholdMergePool(0.4).double().cuts(*graphs)
    assert cuts.num_cuts == len(cuts.graph) == len(cuts.weight)
    assert cuts.batch.tolist() == [r for r, g in enumerate(cuts.graph) for _ in range(SIZES[g])]
    assert cuts.batch.equal(cuts.output.history.lift(cuts.output.batch))
    assert graphs.batch[cuts.node].equal(cuts.graph[cuts.batch])
    assert cuts.dropped.tolist() == [0.0] * len(SIZES)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(torch.tensor(1.0), r"\(\)"), (torch.ones(3), r"\(3,\)"), (torch.ones(1, 2), r"\(1, 2\)")],
    ids=["scalar", "too many", "too few"],
)
def test_values_of_the_wrong_shape_are_refused(value: Tensor, shown: str) -> None:
    x = torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 0, 1]])
    message = rf"'value' to have one row for each of the 2 cuts \(got shape {shown}\)"
    with pytest.raises(ValueError, match=message):
        ThresholdMergePool().cuts(x, TRIANGLE).expectation(value)


def test_probabilities_of_many_ties_are_never_negative() -> None:
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(4, 3, generator=generator)[torch.randint(4, (30,), generator=generator)]
        pool = ThresholdMergePool(candidates="all")
        weight = pool.cuts(x, torch.empty(2, 0, dtype=torch.long)).weight
        assert bool((weight >= 0).all())
        assert weight.sum().item() == pytest.approx(1, abs=1e-5)


def two_levels(
    pools: list[ThresholdMergePool], weight: Tensor, graphs: tuple, **options: int
) -> Tensor:
    """Pool, mix the features, pool again: the expected loss of each graph."""
    first, second = pools

    outer = first.cuts(*graphs, **options)
    x, edge_index, edge_attr, batch, _ = outer.output
    inner = second.cuts((x @ weight).sin(), edge_index, edge_attr, batch, outer.num_cuts, **options)
    return outer.expectation(inner.expectation(loss_per_cut(inner)))


@pytest.mark.parametrize(
    ("merge", "candidates"), [("components", "edges"), ("matching", "edges"), ("matching", "all")]
)
def test_pools_in_a_row(merge: str, candidates: str, draw_graphs: Callable) -> None:
    """The double sum of the definition, pool by pool and cut by cut, and its gradient."""
    graphs = draw_graphs(5, [4, 0, 1, 3])
    options = {"temperature": 0.3, "merge": merge, "candidates": candidates}
    pools = [ThresholdMergePool(tau, **options).double() for tau in (0.4, 0.6)]
    weight = torch.linspace(-1, 1, 9, dtype=torch.double).view(3, 3).requires_grad_()
    found = two_levels(pools, weight, graphs)
    expected = torch.zeros(graphs.batch_size, dtype=torch.double)
    cuts = pools[0].cuts(*graphs)
    for r, g in enumerate(cuts.graph.tolist()):
        mine = cuts.output.batch == r
        x, edge_index, edge_attr, *_ = cuts.output
        inside = mine[edge_index[0]]
        start = int(mine.nonzero().min()) if mine.any() else 0
        again = pools[1].cuts(
            (x[mine] @ weight).sin(), edge_index[:, inside] - start, edge_attr[inside]
        )
        values = loss_per_cut(again)
        expected[g] += (cuts.weight[r] * (again.weight * values).sum()).detach()
    torch.testing.assert_close(found.detach(), expected)
    parameters = [pool.raw_threshold for pool in pools]
    assert_gradients_match(
        lambda x, weight, *_: two_levels(pools, weight, (x, *graphs[1:])),
        [graphs.x, weight, *parameters],
        step=1e-5,
    )
    assert all(parameter.grad is None for parameter in parameters)


def test_sampled_pools_in_a_row_are_unbiased(draw_graphs: Callable) -> None:
    torch.manual_seed(0)
    graphs = draw_graphs(5, [6, 5])
    pools = [ThresholdMergePool(tau, temperature=0.3).double() for tau in (0.4, 0.6)]
    weight = torch.linspace(-1, 1, 9, dtype=torch.double).view(3, 3)
    parameters = [pool.raw_threshold for pool in pools]

    def gradient(copies: int, **options: int) -> Tensor:
        total = two_levels(pools, weight, graphs.repeat(copies), **options).sum() / copies
        return torch.stack(torch.autograd.grad(total, parameters))

    exact = gradient(1)
    drawn = torch.stack([gradient(20, max_cuts=2) for _ in range(40)])
    error = drawn.std(0) / len(drawn) ** 0.5
    assert bool(((drawn.mean(0) - exact).abs() < 5 * error).all())
    assert bool((error < exact.abs()).any())


def gradient(pool: ThresholdMergePool, fn, graphs, copies: int = 1, **options: object) -> Tensor:
    """Expectations, and the gradient of their sum in x and the raw threshold, as one row.

    Of several copies, each sampled by itself, the mean.
    """
    x = graphs.x.clone().requires_grad_()
    same = graphs._replace(x=x).repeat(copies)
    cuts = pool.cuts(*same, **options)
    value = cuts.expectation(fn(cuts))
    parts = torch.autograd.grad(value.sum() / copies, [x, pool.raw_threshold])
    mean = value.detach().view(copies, -1).mean(0)
    return torch.cat([mean, *(part.flatten() for part in parts)])


@pytest.mark.parametrize("max_cuts", [1, 2, 5])
def test_expectations_over_sampled_cuts_are_unbiased(
    max_cuts: int, draw_graphs: Callable, fourth_powers: Callable
) -> None:
    torch.manual_seed(1)
    graphs = draw_graphs(3, LARGER)
    pool = ThresholdMergePool(0.5, temperature=0.3).double()
    exact = gradient(pool, fourth_powers, graphs)
    draws = [gradient(pool, fourth_powers, graphs, 20, max_cuts=max_cuts) for _ in range(40)]
    found = torch.stack(draws)
    error = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - exact).abs() <= 5 * error + 1e-9).all())
    assert (error > 1e-6).sum() > 10


def test_a_number_added_to_all_values_does_not_reach_the_gradient(
    draw_graphs: Callable, fourth_powers: Callable
) -> None:
    graphs = draw_graphs(3, LARGER)
    pool = ThresholdMergePool(0.5, temperature=0.3).double()
    torch.manual_seed(0)
    plain = gradient(pool, fourth_powers, graphs, max_cuts=4)
    torch.manual_seed(0)
    raised = gradient(pool, lambda cuts: fourth_powers(cuts) + 1e4, graphs, max_cuts=4)
    torch.testing.assert_close(raised[5:], plain[5:], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(raised[:5], plain[:5] + 1e4)


@pytest.mark.parametrize("min_mass", [0.5, 0.99])
def test_the_expectation_of_a_mass_is_that_of_the_cuts_kept(
    min_mass: float, draw_graphs: Callable, fourth_powers: Callable
) -> None:
    graphs = draw_graphs(2, LARGER)
    pool = ThresholdMergePool(0.5, temperature=0.1).double()
    cuts, some = pool.cuts(*graphs), pool.cuts(*graphs, min_mass=min_mass)
    values, total, kept = fourth_powers(cuts), [], []
    for g in range(len(LARGER)):
        p, order = cuts.weight[cuts.graph == g].sort(descending=True)
        count = int((p.cumsum(0) < min_mass).sum()) + 1
        value = values[cuts.graph == g][order]
        total.append((p[:count] * value[:count]).sum() / p[:count].sum())
        kept.append(p[:count].sum())
    torch.testing.assert_close(some.expectation(fourth_powers(some)), torch.stack(total))
    torch.testing.assert_close(some.dropped, 1 - torch.stack(kept).detach())
    assert (some.dropped > 1e-3).any()

    def expected(x: Tensor) -> Tensor:
        cuts = pool.cuts(x, *graphs[1:], min_mass=min_mass)
        return cuts.expectation(fourth_powers(cuts)).sum()

    assert_gradients_match(expected, [graphs.x])


def test_a_large_graph_needs_no_more_room_than_its_sampled_cuts() -> None:
    torch.manual_seed(0)
    nodes = torch.arange(30_000)
    x = torch.randn(30_000, 4, requires_grad=True)
    pool = ThresholdMergePool(0.3)
    cuts = pool.cuts(x, torch.stack([nodes[:-1], nodes[1:]]), max_cuts=4)
    assert cuts.num_cuts <= 4
    assert cuts.node.numel() == 30_000 * cuts.num_cuts
    cuts.expectation(torch.ones(cuts.num_cuts)).sum().backward()


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_weights_have_the_precision_of_the_scores(
    dtype: torch.dtype, draw_graphs: Callable
) -> None:
    x, edge_index, *_ = draw_graphs(0, [9])
    cuts = ThresholdMergePool().to(dtype).cuts(x.to(dtype), edge_index, max_cuts=3)
    assert cuts.weight.dtype == cuts.half_weights.dtype == dtype


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_mass": 0.0}, r"'min_mass' to be in \(0, 1\] \(got 0.0\)"),
        ({"min_mass": 1.5}, r"'min_mass' to be in \(0, 1\] \(got 1.5\)"),
        ({"max_cuts": 0}, r"'max_cuts' to be at least 1 \(got 0\)"),
    ],
)
def test_bad_bounds_are_refused(options: dict, message: str, draw_graphs: Callable) -> None:
    with pytest.raises(ValueError, match=message):
        ThresholdMergePool().double().cuts(*draw_graphs(0, [3]), **options)
