"""Fewer cuts than all: the most probable, and drawn ones, against loops and averages."""

import pytest
import torch
from torch import Tensor

from pyg_grapheme.filtration.sample_members import choose_cuts
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.testing import assert_gradients_match

SIZES = [7, 0, 1, 12, 2]


def probabilities(seed: int) -> tuple[Tensor, Tensor]:
    """Probabilities of 5, 1, 9 and 2 cuts, some of them zero, and how many there are."""
    num_cuts = torch.tensor([5, 1, 9, 2])
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(17, generator=generator, dtype=torch.double).pow(3)
    draws[[3, 4, 10, 14]] = 0
    parts = [part / part.sum() for part in draws.split(num_cuts.tolist())]
    return torch.cat(parts), num_cuts


@pytest.mark.parametrize("mass", [1e-6, 0.5, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_mass_keeps_the_fewest_most_probable_cuts(seed: int, mass: float) -> None:
    probability, num_cuts = probabilities(seed)
    choice = choose_cuts(probability, num_cuts, mass)
    expected, weights, dropped, first = [], [], [], 0
    for count in num_cuts.tolist():
        p = probability[first : first + count].tolist()
        kept: list[int] = []
        for k in sorted(range(count), key=lambda k, p=p: -p[k]):
            if mass == 1 or sum(p[i] for i in kept) < mass:
                kept.append(k)
        total = sum(p[i] for i in kept)
        expected += [first + k for k in sorted(kept)]
        weights += [p[k] / total for k in sorted(kept)]
        dropped.append(1 - total)
        first += count
    assert choice.cut.tolist() == expected
    torch.testing.assert_close(choice.weight, torch.tensor(weights, dtype=torch.double))
    expected_drop = torch.tensor(dropped, dtype=torch.double)
    torch.testing.assert_close(choice.dropped, expected_drop, rtol=0, atol=1e-12)
    assert choice.halves is None


@pytest.mark.parametrize("max_cuts", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("seed", range(4))
def test_drawn_cuts_are_few_and_count_for_one_together(seed: int, max_cuts: int) -> None:
    torch.manual_seed(seed)
    probability, num_cuts = probabilities(seed)
    graph = torch.repeat_interleave(num_cuts)
    choice = choose_cuts(probability, num_cuts, max_cuts=max_cuts)
    assert bool((choice.cut.diff() > 0).all())
    for g, count in enumerate(num_cuts.tolist()):
        mine = graph[choice.cut] == g
        assert choice.weight[mine].sum().item() == pytest.approx(1)
        if count <= max_cuts:
            assert torch.equal(choice.weight[mine], probability[graph == g])
            continue
        assert 0 < mine.sum() <= max_cuts
        assert bool((probability[choice.cut[mine]] > 0).all())
        # What is more probable than a step is never missed.
        sure = ((probability > 1 / (max_cuts - max_cuts // 2)) & (graph == g)).nonzero().view(-1)
        assert set(sure.tolist()) <= set(choice.cut.tolist())


@pytest.mark.parametrize("max_cuts", [1, 2, 5])
def test_drawn_averages_are_unbiased(max_cuts: int) -> None:
    """Each within four standard errors of the exact value, over 2,000 draws."""
    torch.manual_seed(0)
    probability, num_cuts = probabilities(0)
    graph = torch.repeat_interleave(num_cuts)
    value = torch.randn(17, dtype=torch.double)
    expected = torch.zeros(4, dtype=torch.double).index_add(0, graph, probability * value)
    found = torch.zeros(2000, 4, dtype=torch.double)
    for row in found:
        cut, weight, *_ = choose_cuts(probability, num_cuts, max_cuts=max_cuts)
        row.index_add_(0, graph[cut], weight * value[cut])
    error = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - expected).abs() <= 4 * error + 1e-12).all())
    assert error[2] > 0


def gradient(pool: ThresholdMergePool, fn, graphs, copies: int = 1, **options: object) -> Tensor:
    """Expectations, and the gradient of their sum in x and the raw threshold, as one row.

    Of several copies, each drawn by itself, the mean.
    """
    x = graphs.x.clone().requires_grad_()
    same = graphs._replace(x=x).repeat(copies)
    value = pool.expect(
        fn, same.x, same.edge_index, same.edge_attr, same.batch, same.batch_size, **options
    )
    parts = torch.autograd.grad(value.sum() / copies, [x, pool.raw_threshold])
    mean = value.detach().view(copies, -1).mean(0)
    return torch.cat([mean, *(part.flatten() for part in parts)])


@pytest.mark.parametrize("max_cuts", [1, 2, 3, 6])
def test_expectations_over_drawn_cuts_are_unbiased(
    max_cuts: int, draw_graphs, fourth_powers
) -> None:
    torch.manual_seed(1)
    graphs = draw_graphs(3, SIZES)
    pool = ThresholdMergePool(0.5, temperature=0.3).double()
    exact = gradient(pool, fourth_powers, graphs)
    draws = [gradient(pool, fourth_powers, graphs, 20, max_cuts=max_cuts) for _ in range(40)]
    found = torch.stack(draws)
    error = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - exact).abs() <= 5 * error + 1e-9).all())
    assert (error > 1e-6).sum() > 10


def test_a_number_added_to_all_values_does_not_reach_the_gradient(
    draw_graphs, fourth_powers
) -> None:
    graphs = draw_graphs(3, SIZES)
    pool = ThresholdMergePool(0.5, temperature=0.3).double()
    torch.manual_seed(0)
    plain = gradient(pool, fourth_powers, graphs, max_cuts=4)
    torch.manual_seed(0)
    raised = gradient(pool, lambda cuts: fourth_powers(cuts) + 1e4, graphs, max_cuts=4)
    torch.testing.assert_close(raised[5:], plain[5:], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(raised[:5], plain[:5] + 1e4)


@pytest.mark.parametrize("mass", [0.5, 0.99])
def test_the_expectation_of_a_mass_is_that_of_the_cuts_kept(
    mass: float, draw_graphs, fourth_powers
) -> None:
    graphs = draw_graphs(2, SIZES)
    pool = ThresholdMergePool(0.5, temperature=0.1).double()
    cuts, some = pool.cuts(*graphs), pool.cuts(*graphs, mass=mass)
    values, total, kept = fourth_powers(cuts), [], []
    for g in range(len(SIZES)):
        p, order = cuts.weight[cuts.graph == g].sort(descending=True)
        count = int((p.cumsum(0) < mass).sum()) + 1
        value = values[cuts.graph == g][order]
        total.append((p[:count] * value[:count]).sum() / p[:count].sum())
        kept.append(p[:count].sum())
    found = pool.expect(fourth_powers, *graphs, mass=mass)
    torch.testing.assert_close(found, torch.stack(total))
    torch.testing.assert_close(some.dropped, 1 - torch.stack(kept).detach())
    assert (some.dropped > 1e-3).any()

    def expected(x: Tensor) -> Tensor:
        return pool.expect(fourth_powers, x, *graphs[1:], mass=mass).sum()

    assert_gradients_match(expected, [graphs.x])


def test_a_large_graph_needs_no_more_room_than_its_drawn_cuts() -> None:
    torch.manual_seed(0)
    nodes = torch.arange(30_000)
    x = torch.randn(30_000, 4, requires_grad=True)
    pool = ThresholdMergePool(0.3)
    cuts = pool.cuts(x, torch.stack([nodes[:-1], nodes[1:]]), max_cuts=4)
    assert cuts.graph.numel() <= 4
    assert cuts.node.numel() == 30_000 * cuts.graph.numel()
    cuts.average(cuts.output.history.weight.new_ones(cuts.graph.numel())).sum().backward()


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_weights_have_the_precision_of_the_scores(dtype: torch.dtype, draw_graphs) -> None:
    x, edge_index, *_ = draw_graphs(0, [9])
    cuts = ThresholdMergePool().to(dtype).cuts(x.to(dtype), edge_index, max_cuts=3)
    assert cuts.weight.dtype == cuts.halves.dtype == dtype


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mass": 0.0}, r"'mass' to be in \(0, 1\] \(got 0.0\)"),
        ({"mass": 1.5}, r"'mass' to be in \(0, 1\] \(got 1.5\)"),
        ({"max_cuts": 0}, r"'max_cuts' to be at least 1 \(got 0\)"),
    ],
)
def test_bad_bounds_are_refused(options: dict, message: str, draw_graphs) -> None:
    with pytest.raises(ValueError, match=message):
        ThresholdMergePool().double().cuts(*draw_graphs(0, [3]), **options)
