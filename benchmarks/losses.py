"""Time the transport and the structural loss beside POT and geomloss.

    python -m benchmarks.losses --output losses.md
    python -m benchmarks.losses --batches 64x5-20 --repeats 5

Batches of pairs of graphs with costs uniform in [0, 1], 20 iterations at temperature 0.1, forward
and backward, all in one process and interleaved. "unrolled" differentiates through the iterations;
"envelope" takes the plan as constant, which gives the gradient of the entropic value; "implicit" is
the gradient of the plan at its fixed point. The error is the L1 error of the marginals over the
mass. POT's ``sinkhorn2`` takes one pair at a time; it and geomloss use the envelope.
"""

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import ot
import torch
from geomloss.ot import solve_batch as geomloss_solve
from torch import Tensor

from benchmarks.checkout import begin_result, end_result
from benchmarks.convergence import draw_texts
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.tables import divide, format_table, show
from pyg_grapheme.nn.loss import StructuralLoss
from pyg_grapheme.nn.transport import sinkhorn

TEMPERATURE, ITERATIONS = 0.1, 20


class Pairs(NamedTuple):
    """B pairs of graphs.

    Attributes:
        cost: [B, n1, n2], a leaf.
        mask1: [B, n1], True where there is a node.
        mask2: [B, n2], likewise.
        a: [B, n1], marginals with sum 1.
        b: [B, n2], likewise.
    """

    cost: Tensor
    mask1: Tensor
    mask2: Tensor
    a: Tensor
    b: Tensor


Step = Callable[[Pairs], Tensor | None]
"""One forward and backward step; it returns the plan, if there is one."""


def draw_pairs(count: int, low: int, high: int, seed: int = 0) -> Pairs:
    """Return pairs with random sizes and costs."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(low, high + 1, (2, count, 1), generator=generator)
    mask1, mask2 = (torch.arange(high) < size for size in sizes)
    cost = torch.rand(count, high, high, generator=generator).requires_grad_()
    return Pairs(cost, mask1, mask2, mask1 / sizes[0], mask2 / sizes[1])


def ours(kind: str) -> Step:
    """Return a step of our transport; ``kind`` is "unrolled", "implicit" or "envelope"."""

    def step(pairs: Pairs) -> Tensor:
        constant = kind == "envelope"
        plan = sinkhorn(
            pairs.cost.detach() if constant else pairs.cost,
            pairs.mask1,
            pairs.mask2,
            temperature=TEMPERATURE,
            max_iterations=ITERATIONS,
            tolerance=1e-12,
            gradient="unrolled" if constant else kind,
        ).plan
        (plan * pairs.cost).sum().backward()
        return plan.detach()

    return step


def pot_batch(method: str, gradient: str) -> Step:
    """Return a step of POT's solver of batches."""

    def step(pairs: Pairs) -> Tensor:
        solved = ot.batch.solve_batch(
            pairs.cost,
            reg=TEMPERATURE,
            a=pairs.a,
            b=pairs.b,
            max_iter=ITERATIONS,
            tol=0,
            method=method,
            grad=gradient,
        )
        value = solved.value_linear if gradient == "autodiff" else solved.value
        value.sum().backward()
        return solved.plan.detach()

    return step


def pot_loop(pairs: Pairs) -> None:
    """Run POT's solver on one pair after the other."""
    total = pairs.cost.new_zeros(())
    for cost, mask1, mask2 in zip(pairs.cost, pairs.mask1, pairs.mask2, strict=True):
        n1, n2 = int(mask1.sum()), int(mask2.sum())
        total = total + ot.sinkhorn2(
            cost.new_full((n1,), 1 / n1),
            cost.new_full((n2,), 1 / n2),
            cost[:n1, :n2],
            TEMPERATURE,
            numItermax=ITERATIONS,
            stopThr=0,
            warn=False,
        )
    total.backward()


def geomloss(pairs: Pairs) -> Tensor:
    """Run geomloss on given costs."""
    solved = geomloss_solve(pairs.cost, reg=TEMPERATURE, a=pairs.a, b=pairs.b, max_iter=ITERATIONS)
    solved.value.sum().backward()
    return solved.plan.detach()


SOLVERS: dict[str, Step] = {
    "ours, unrolled": ours("unrolled"),
    "ours, implicit": ours("implicit"),
    "ours, envelope": ours("envelope"),
    "ot.batch exp, unrolled": pot_batch("sinkhorn", "autodiff"),
    "ot.batch exp, envelope": pot_batch("sinkhorn", "envelope"),
    "ot.batch log, unrolled": pot_batch("log_sinkhorn", "autodiff"),
    "ot.batch log, envelope": pot_batch("log_sinkhorn", "envelope"),
    "geomloss": geomloss,
    "ot.sinkhorn2, one by one": pot_loop,
}


def structural(count: int, low: int, high: int) -> Callable[[], None]:
    """Return a step of the whole structural loss, from PyG batches to the gradient."""
    first, second = draw_texts(count, low, high)
    first.activation.requires_grad_()
    loss = StructuralLoss(temperature=TEMPERATURE, max_iterations=ITERATIONS)

    def step() -> None:
        first.activation.grad = None
        loss(first, second).total.sum().backward()

    return step


def time_in_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each; slow ones are called less often."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    order = random.Random(0)
    for turn in range(repeats + 2):
        names = [n for n in calls if turn < 4 or sum(seconds[n]) < 10]
        order.shuffle(names)
        for name in names:
            start = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(taken[2:]) for name, taken in seconds.items()}


def marginal_error(plan: Tensor | None, pairs: Pairs) -> float | None:
    """Return the mean L1 error of both marginals over the mass."""
    if plan is None:
        return None
    mass = plan.sum((1, 2), keepdim=True)
    a, b = (plan / mass).sum(2), (plan / mass).sum(1)
    error = (a - pairs.a).abs().sum(1) + (b - pairs.b).abs().sum(1)
    return float(error.mean())


def main() -> None:
    """Run the command line and print the tables."""
    parser = argparse.ArgumentParser(description="Time transport and structural loss.")
    add = parser.add_argument
    add("--batches", nargs="+", default=["512x5-20", "64x5-20", "16x200-200"], metavar="BxLOW-HIGH")
    add("--repeats", type=int, default=21)
    add("--threads", type=int, default=torch.get_num_threads())
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    parts = [begin_result(options.output), describe_machine()]
    for batch in options.batches:
        count, sizes = batch.split("x")
        low, high = map(int, sizes.split("-"))
        pairs = draw_pairs(int(count), low, high)
        plans: dict[str, Tensor | None] = {}

        def call(name: str, pairs: Pairs = pairs, plans: dict = plans) -> None:
            pairs.cost.grad = None
            plans[name] = SOLVERS[name](pairs)

        calls: dict[str, Callable[[], object]] = {
            name: (lambda name=name, call=call: call(name)) for name in SOLVERS
        }
        calls["ours, structural loss"] = structural(int(count), low, high)
        seconds = time_in_turns(calls, options.repeats)
        base = seconds["ours, unrolled"]
        lines = [
            [
                name,
                show(1e3 * taken),
                f"{int(count) / taken:,.0f}",
                show(divide(taken, base), ".2f"),
                show(marginal_error(plans.get(name), pairs), ".1e"),
            ]
            for name, taken in seconds.items()
        ]
        head = ["", "ms", "pairs per second", "times ours, unrolled", "error"]
        title = f"{count} pairs of {low} to {high} nodes"
        parts.append(format_table(title, head, lines))
    end_result(options.output, *parts)


if __name__ == "__main__":
    main()
