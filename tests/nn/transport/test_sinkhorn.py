"""Entropic transport against POT, its adjoint against central differences, and its convergence."""

from functools import cache
from itertools import product

import numpy as np
import ot
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from pyg_grapheme.nn.transport import sinkhorn
from pyg_grapheme.testing import assert_gradients_match

SIZES = [(4, 6), (1, 3), (5, 5), (0, 2), (3, 0), (0, 0), (2, 1)]


def draw(
    seed: int, sizes: list[tuple[int, int]] = SIZES, scale: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Costs in [0, scale], and masks."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.tensor(sizes).T
    shape = (len(sizes), int(first.max()), int(second.max()))
    cost = scale * torch.rand(shape, generator=generator, dtype=torch.double)
    return cost, torch.arange(shape[1]) < first[:, None], torch.arange(shape[2]) < second[:, None]


def pot_plan(cost: Tensor, temperature: float, iterations: int) -> np.ndarray:
    """The plan after some iterations by POT, which takes the steps in the same order."""
    n1, n2 = cost.shape
    return ot.bregman.sinkhorn_log(
        np.ones(n1),
        np.full(n2, n1 / n2),
        cost.numpy(),
        temperature,
        numItermax=iterations,
        stopThr=0,
        warn=False,
    )


@cache
def pot_plans(temperature: float, iterations: int) -> list[np.ndarray | None]:
    """The plans of the first batch that is drawn, one per pair of graphs with nodes."""
    costs = zip(draw(0)[0], SIZES, strict=True)
    return [
        pot_plan(c[:n1, :n2], temperature, iterations) if n1 and n2 else None
        for c, (n1, n2) in costs
    ]


# With costs up to 1: single precision does for the first, double for the next, logarithms after.
TEMPERATURES = [1.0, 0.1, 0.05, 0.01, 0.002]


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_plan_is_pot_s(temperature: float, dtype: torch.dtype) -> None:
    cost, mask1, mask2 = draw(0)
    cost = cost.to(dtype)
    tolerance = 1e-4 if dtype == torch.float else 1e-10
    for iterations in (20, 500):
        output = sinkhorn(
            cost, mask1, mask2, temperature=temperature, max_iterations=iterations, tolerance=1e-30
        )
        assert output.plan.dtype == dtype
        plans = pot_plans(temperature, iterations)
        for plan, expected, (n1, n2) in zip(output.plan, plans, SIZES, strict=True):
            assert (plan[n1:] == 0).all()
            assert (plan[:, n2:] == 0).all()
            if expected is not None:
                np.testing.assert_allclose(plan[:n1, :n2].numpy(), expected, atol=tolerance)


@pytest.mark.parametrize("temperature", [0.5, 0.05])
def test_any_marginals_with_equal_sums(temperature: float) -> None:
    cost = draw(1, [(4, 3)])[0]
    mask1, mask2 = torch.tensor([[1.0, 2, 0, 0.5]]), torch.tensor([[3.0, 0.25, 0.25]])
    output = sinkhorn(
        cost, mask1, mask2, temperature=temperature, max_iterations=5000, tolerance=1e-12
    )
    some = [0, 1, 3]
    expected = ot.bregman.sinkhorn_log(
        mask1[0, some].double().numpy(),
        mask2[0].double().numpy(),
        cost[0, some].numpy(),
        temperature,
        numItermax=50_000,
        stopThr=1e-14,
    )
    np.testing.assert_allclose(output.plan[0, some].numpy(), expected, atol=1e-8)
    assert (output.plan[0, 2] == 0).all()


@pytest.mark.parametrize("gradient", ["unrolled", "implicit"])
@pytest.mark.parametrize("annealing", [False, True])
def test_finite_at_any_temperature_and_scale(annealing: bool, gradient: str) -> None:
    sizes = [*SIZES, (1, 1), (30, 40)]
    for dtype, scale, temperature in product(
        (torch.float, torch.double), (1.0, 1e6), (1.0, 0.1, 1e-2, 1e-3, 1e-4)
    ):
        cost, mask1, mask2 = draw(2, sizes, scale)
        cost = cost.to(dtype).requires_grad_()
        output = sinkhorn(
            cost,
            mask1,
            mask2,
            temperature=temperature,
            max_iterations=60,
            gradient=gradient,
            annealing=annealing,
        )
        assert output.plan.isfinite().all()
        alive = mask1 & mask2.any(1, keepdim=True)
        torch.testing.assert_close(output.plan.sum(2), alive.to(dtype), atol=1e-5, rtol=0)
        error = (output.plan.sum(1) - mask2 * (mask1.sum(1) / mask2.sum(1))[:, None]).abs()
        error = error.where(mask2 & mask1.any(1, keepdim=True), 0.0).sum(1).double()
        torch.testing.assert_close(output.marginal_error.double(), error, atol=1e-4, rtol=1e-4)
        assert torch.equal(output.converged, output.marginal_error < 1e-6)
        weight = torch.randn(cost.shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
        (found,) = torch.autograd.grad((output.plan * weight).sum(), cost)
        assert found.isfinite().all()
        assert (found[~(mask1[:, :, None] & mask2[:, None, :])] == 0).all()


@pytest.mark.parametrize("gradient", ["unrolled", "implicit"])
def test_five_hundred_nodes(gradient: str) -> None:
    cost, mask1, mask2 = draw(3, [(500, 480)])
    cost = cost.float().requires_grad_()
    output = sinkhorn(cost, mask1, mask2, temperature=0.05, max_iterations=50, gradient=gradient)
    (found,) = torch.autograd.grad((output.plan * cost).sum(), cost)
    expected = pot_plan(cost[0].detach().double(), 0.05, 50)
    np.testing.assert_allclose(output.plan[0].detach().numpy(), expected, atol=1e-5)
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((5, 8), "uniform"),
        ((20, 20), "uniform"),
        ((3, 2), "squared distances"),
        ((20, 13), "squared distances"),
        ((60, 45), "squared distances"),
    ],
)
def test_annealing_reaches_the_exact_transport(size: tuple[int, int], kind: str) -> None:
    """At 1e-4, within 200 iterations: the cost of POT's linear program, within 1 %."""
    cost, mask1, mask2 = draw(4, [size] * 8)
    if kind == "squared distances":
        points = draw(5, [(sum(size), 2)] * 8)[0]
        cost = torch.cdist(points[:, : size[0]], points[:, size[0] :]).square()
        cost = cost / cost.amax((1, 2), keepdim=True)
    mass = size[0]
    output = sinkhorn(
        cost,
        mask1,
        mask2,
        temperature=1e-4,
        max_iterations=200,
        tolerance=1e-3 * mass,
        annealing=True,
    )
    assert torch.equal(output.converged, output.marginal_error < 1e-3 * mass)
    assert output.converged.float().mean() >= 0.5
    for plan, c in zip(output.plan, cost, strict=True):
        exact = ot.emd2(np.ones(mass), np.full(size[1], mass / size[1]), c.numpy())
        assert (plan * c).sum().item() == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("annealing", [False, True])
@pytest.mark.parametrize(("temperature", "scale"), [(0.2, 1.0), (0.3, 200.0)])
def test_the_unrolled_gradient_is_that_of_the_iterations(
    temperature: float, scale: float, annealing: bool
) -> None:
    cost, mask1, mask2 = draw(6, [(4, 3), (2, 4), (0, 1)], scale)
    if annealing:
        # The schedule is a constant: keep the range of the costs.
        cost[:, 0, 0], cost[:, 1, 1] = 0.0, scale

    def plan(moved: Tensor) -> Tensor:
        full = moved if not annealing else moved.where(fixed, cost)
        return sinkhorn(
            full, mask1, mask2, temperature=temperature, max_iterations=6, annealing=annealing
        ).plan

    fixed = torch.ones_like(cost, dtype=torch.bool)
    fixed[:, 0, 0] = fixed[:, 1, 1] = False
    assert_gradients_match(plan, [cost], step=1e-7 * scale, tolerance=1e-5)


def test_equal_costs_converge_at_once() -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    output = sinkhorn(torch.zeros(1, 2, 2), mask, mask)
    assert output.iterations.item() == 1
    assert output.converged.item()
    torch.testing.assert_close(output.plan, torch.full((1, 2, 2), 0.5))


def test_pairs_that_stop_early_have_their_gradient_too() -> None:
    cost, mask1, mask2 = draw(7, [(3, 3), (5, 4), (2, 5), (1, 1)])
    cost[0] /= 100

    def plan(moved: Tensor) -> Tensor:
        output = sinkhorn(moved, mask1, mask2, temperature=0.2, max_iterations=9, tolerance=1e-2)
        assert len(set(output.iterations.tolist())) > 2
        return output.plan

    assert_gradients_match(plan, [cost])


@pytest.mark.parametrize(
    ("gradient", "scale"), [("unrolled", 1.0), ("unrolled", 100.0), ("implicit", 1.0)]
)
def test_second_derivatives(gradient: str, scale: float) -> None:
    cost, mask1, mask2 = draw(8, [(3, 2), (2, 3)], scale)
    steps = 5 if gradient == "unrolled" else 400

    def plan(moved: Tensor) -> Tensor:
        return sinkhorn(
            moved,
            mask1,
            mask2,
            temperature=0.3 * (scale if gradient == "implicit" else 1),
            max_iterations=steps,
            tolerance=1e-13,
            gradient=gradient,
        ).plan

    assert gradcheck(plan, cost.requires_grad_())
    assert gradgradcheck(plan, cost)


@pytest.mark.parametrize("temperature", [0.5, 0.05])
def test_implicit_and_unrolled_agree_where_converged(temperature: float) -> None:
    cost, mask1, mask2 = draw(9, [*SIZES, (7, 5)])
    weight = torch.randn(cost.shape, generator=torch.Generator().manual_seed(0)).double()
    found = []
    for gradient in ("unrolled", "implicit"):
        leaf = cost.clone().requires_grad_()
        output = sinkhorn(
            leaf,
            mask1,
            mask2,
            temperature=temperature,
            max_iterations=20_000,
            tolerance=1e-11,
            gradient=gradient,
        )
        assert output.converged.all()
        found += torch.autograd.grad((output.plan * weight).sum(), leaf)
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-8)
    assert found[0].abs().max() > 0.1


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_memory_of_the_implicit_gradient_does_not_grow_with_the_iterations(scale: float) -> None:
    cost, mask1, mask2 = draw(10, [(3, 4)], scale)

    def kept(gradient: str, iterations: int) -> int:
        """Count the numbers that autograd keeps for the backward pass."""
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
        ):
            sinkhorn(
                cost.clone().requires_grad_(),
                mask1,
                mask2,
                max_iterations=iterations,
                tolerance=1e-30,
                gradient=gradient,
            )
        return sum(sizes)

    assert kept("implicit", 7) == kept("implicit", 70)
    assert kept("unrolled", 70) > kept("unrolled", 7) + 63 * 7


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [(3.999, torch.float), (33.99, torch.float), (33.99, torch.double), (400.0, torch.double)],
)
def test_costs_of_both_signs(scale: float, dtype: torch.dtype) -> None:
    """Two values at the limits of the range, where the potentials are largest."""
    generator = torch.Generator().manual_seed(0)
    pattern = torch.rand(100, 6, 6, generator=generator) < 0.5
    cost = torch.where(pattern, scale, -scale).to(dtype)
    sizes = torch.randint(2, 7, (2, 100, 1), generator=generator)
    mask1, mask2 = (torch.arange(6) < size for size in sizes)
    leaf = cost.clone().requires_grad_()
    output = sinkhorn(leaf, mask1, mask2, max_iterations=1000)
    (found,) = torch.autograd.grad((output.plan * cost).sum(), leaf)
    assert output.plan.isfinite().all()
    assert found.isfinite().all()
    torch.testing.assert_close(output.plan.sum(2), mask1.to(dtype))


def test_an_offset_of_all_costs_changes_nothing() -> None:
    cost, mask1, mask2 = draw(14)
    plain = sinkhorn(cost, mask1, mask2, max_iterations=100)
    for offset in (-1e3, 1e3):
        moved = sinkhorn(cost + offset, mask1, mask2, max_iterations=100)
        torch.testing.assert_close(moved.plan, plain.plan, atol=1e-9, rtol=0)
        assert moved.converged.equal(plain.converged)


@pytest.mark.parametrize("gradient", ["unrolled", "implicit"])
def test_batches_without_a_node_on_one_side(gradient: str) -> None:
    for shape in ((2, 0, 3), (2, 3, 0), (2, 0, 0), (0, 2, 2)):
        cost = torch.rand(shape, requires_grad=True)
        mask1, mask2 = torch.ones(shape[:2]).bool(), torch.ones(shape[0], shape[2]).bool()
        output = sinkhorn(cost, mask1, mask2, gradient=gradient)
        output.plan.sum().backward()
        assert output.converged.all()
        assert cost.grad.shape == shape


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_autocast_does_not_reach_it(scale: float) -> None:
    cost, mask1, mask2 = draw(15, scale=scale)
    found = []
    for enabled in (False, True):
        leaf = cost.float().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            output = sinkhorn(leaf, mask1, mask2)
            output.plan.square().sum().backward()
        found.append((output.plan, output.marginal_error, leaf.grad))
    for plain, under in zip(*found, strict=True):
        assert torch.equal(plain, under)


def test_a_cost_that_is_no_number_stays_in_its_pair() -> None:
    cost, mask1, mask2 = draw(16, [(3, 3), (2, 3), (3, 2)])
    cost[1, 0, 0] = torch.nan
    output = sinkhorn(cost, mask1, mask2)
    assert output.plan[1, :2].isnan().any()
    assert output.plan[[0, 2]].isfinite().all()
    assert not output.converged[1]


def test_marginals_are_constants() -> None:
    mass = torch.ones(1, 3, requires_grad=True)
    output = sinkhorn(torch.rand(1, 3, 3), mass, torch.ones(1, 3))
    assert not output.plan.requires_grad


@pytest.mark.parametrize("annealing", [False, True])
def test_a_pair_is_worth_the_same_alone_and_in_a_batch(annealing: bool) -> None:
    cost, mask1, mask2 = draw(11, [*SIZES, (4, 4), (4, 4)])
    # One pair needs double precision, one the log domain.
    cost[-2] *= 60
    cost[-1] *= 1e4
    cost = cost.float()
    options = {"max_iterations": 30, "tolerance": 1e-3, "annealing": annealing}
    together = sinkhorn(cost, mask1, mask2, **options)
    for b, (n1, n2) in enumerate([*SIZES, (4, 4), (4, 4)]):
        alone = sinkhorn(
            cost[b : b + 1, :n1, :n2], mask1[b : b + 1, :n1], mask2[b : b + 1, :n2], **options
        )
        torch.testing.assert_close(together.plan[b : b + 1, :n1, :n2], alone.plan)
        assert together.iterations[b] == alone.iterations[0]
        assert together.converged[b] == alone.converged[0]


def test_padding_may_hold_anything() -> None:
    cost, mask1, mask2 = draw(12)
    outside = ~(mask1[:, :, None] & mask2[:, None, :])
    clean = sinkhorn(cost, mask1, mask2)
    for filling in (torch.inf, torch.nan, 1e30):
        leaf = cost.masked_fill(outside, filling).requires_grad_()
        output = sinkhorn(leaf, mask1, mask2)
        assert torch.equal(output.plan, clean.plan)
        (found,) = torch.autograd.grad(output.plan.square().sum(), leaf)
        assert found.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype) -> None:
    cost, mask1, mask2 = draw(13)
    output = sinkhorn(cost.to(dtype), mask1, mask2)
    expected = sinkhorn(cost.to(dtype).float(), mask1, mask2)
    assert output.plan.dtype == dtype
    assert torch.equal(output.plan, expected.plan.to(dtype))
    assert torch.equal(output.marginal_error, expected.marginal_error)
    assert torch.equal(output.iterations, expected.iterations)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gradient": "implict"}, "'gradient' to be one of 'unrolled', 'implicit'"),
        ({"temperature": 0.0}, "'temperature' to be positive"),
        ({"temperature": torch.nan}, "'temperature' to be positive"),
        ({"max_iterations": 0}, "'max_iterations' to be at least 1"),
        ({"tolerance": -1.0}, "'tolerance' to be positive"),
        ({"annealing": 1}, "'annealing' to be True or False"),
        ({"cost": torch.ones(1, 2, 3).long()}, r"'cost' to be a float tensor .*torch.int64"),
        ({"cost": torch.ones(2, 3)}, r"'cost' to be a float tensor \[B, n1, n2\] \(got shape"),
        ({"a": torch.ones(1, 3)}, r"'a' to have shape \(1, 2\), as .* \(got \(1, 3\)"),
        ({"b": torch.ones(3)}, r"'b' to have shape \(1, 3\)"),
        ({"b": torch.ones(1, 3)}, r"equal sums .* \(got sums 2 and 3 in pair 0\)"),
        ({"a": torch.tensor([[3.0, -1.0]])}, "equal sums in each pair"),
        ({"a": torch.tensor([[torch.nan, 1.0]])}, "equal sums in each pair"),
    ],
)
def test_arguments_that_do_not_fit_are_named(change: dict[str, object], message: str) -> None:
    arguments = {
        "cost": torch.rand(1, 2, 3),
        "a": torch.ones(1, 2),
        "b": torch.full((1, 3), 2 / 3),
    }
    sinkhorn(**arguments)
    with pytest.raises(ValueError, match=message):
        sinkhorn(**{**arguments, **change})
