"""Compare the estimators of ``ThresholdMergePool.forward`` with the exact gradient.

    python -m benchmarks.estimators --output estimators.md --plot estimators.png
    python -m benchmarks.estimators --sizes 8 --temperatures 0.1 --samples 50 --seeds 4

**Gradients.** Graphs of noisy clusters, each with a loss that a small fixed network computes from
the pooled graph. For every estimator: the gradient of the loss of each graph in the threshold and
in x over many samples, against that of the expected loss. The tables give the cosine of the two
over all graphs, the bias and the standard deviation of a sample relative to the length of the exact
gradient, and the time per step. For estimators that sample, the number in parentheses is the bias
(or the cosine of the gradient of x) that an unbiased estimator would show by chance.

The gradient of a single merge cannot know the loss of another merge: if clusters A and B are
replaced by their means, moving members between them leaves |A| mean(A) + |B| mean(B) unchanged.
"gate" learns whether scaling a cluster down helps, and the straight-through estimators whether its
first member alone would be better. These are other questions, often with the opposite answer.

**Learning.** Nodes are prototypes with noise, and the loss is the distance between the prototype of
a node and the mean of its cluster. Pairs of one prototype have cosines above a gap, all others
below it, so a threshold in the gap is best by construction. The table says how often, and in how
many steps, Adam brings the threshold into the gap, from a start far too low and from one far too
high.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.tables import format_table
from pyg_grapheme.nn import PoolOutput, ReinforceLoss, ThresholdMergePool

FEATURES = 8
ESTIMATORS = ("expectation", "none", "gate", "straight_through", "gumbel", "reinforce")
SAMPLING = ("gumbel", "reinforce")
TIMED_STEPS = 9


# --- graphs and losses -------------------------------------------------------------------------


class Graphs(NamedTuple):
    """A batch of B graphs of one size.

    Attributes:
        x: [N, F], float64.
        edge_index: [2, E].
        batch: [N].
        clean: [N, F], the prototype of each node.
        count: B.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    clean: Tensor
    count: int


def noisy_clusters(count: int, size: int, seed: int, noise: float, members: int = 4) -> Graphs:
    """Generate chains in which runs of nodes share a prototype, with a few chords."""
    generator = torch.Generator().manual_seed(seed)
    node = torch.arange(count * size).view(count, size)
    chain = torch.stack([node[:, :-1].flatten(), node[:, 1:].flatten()])
    chords = torch.randint(size, (2, count, max(1, size // 4)), generator=generator)
    chords = (chords + node[:, :1]).view(2, -1)
    # One-hot prototypes are orthogonal; the noise spreads the cosines.
    kind = torch.arange(size) // members + torch.randint(FEATURES, (count, 1), generator=generator)
    clean = torch.eye(FEATURES, dtype=torch.double)[(kind % FEATURES).flatten()]
    x = clean + noise * torch.randn(clean.shape, generator=generator, dtype=torch.double)
    batch = torch.arange(count).repeat_interleave(size)
    return Graphs(x, torch.cat([chain, chords], 1), batch, clean, count)


Loss = Callable[[PoolOutput, Tensor, Tensor, int], Tensor]
"""From the pooled graph, and the clean features [N, F] and batch [N] of the input, to [B]."""


def read_out(pooled: PoolOutput, clean: Tensor, batch: Tensor, count: int) -> Tensor:
    """Return the distance between the outputs of a fixed network on pooled and clean graph."""
    generator = torch.Generator().manual_seed(7)
    first = torch.randn(FEATURES, 16, generator=generator, dtype=torch.double)
    second = torch.randn(16, 4, generator=generator, dtype=torch.double) / 4

    def read(x: Tensor, owner: Tensor) -> Tensor:
        return scatter((x @ first).tanh() @ second, owner, dim_size=count)

    return (read(pooled.x, pooled.batch) - read(clean, batch)).square().mean(1)


def denoise(pooled: PoolOutput, clean: Tensor, batch: Tensor, count: int) -> Tensor:
    """Return the mean squared distance between the cluster and the prototype of a node."""
    error = (pooled.history.lift(pooled.x) - clean).square().sum(1)
    return scatter(error, batch, dim_size=count, reduce="mean")


def make_pool(estimator: str, threshold: float, temperature: float) -> ThresholdMergePool:
    """Make the pool; the expectation needs no estimator."""
    name = "none" if estimator == "expectation" else estimator
    return ThresholdMergePool(threshold, estimator=name, temperature=temperature).double()


def losses(
    pool: ThresholdMergePool,
    estimator: str,
    graphs: Graphs,
    x: Tensor,
    loss: Loss,
    criterion: ReinforceLoss,
) -> Tensor:
    """Return the loss of each graph, [B], with the gradient of the estimator."""
    inputs = (x, graphs.edge_index, None, graphs.batch, graphs.count)
    if estimator == "expectation":
        cuts = pool.cuts(*inputs)
        value = loss(cuts.output, graphs.clean[cuts.node], cuts.batch, cuts.num_cuts)
        return cuts.expectation(value)
    pooled = pool(*inputs)
    value = loss(pooled, graphs.clean, graphs.batch, graphs.count)
    return criterion(value, pooled.history) if estimator == "reinforce" else value


# --- gradients ---------------------------------------------------------------------------------


class Comparison(NamedTuple):
    """An estimator at one size and temperature; the module describes the quantities."""

    cosine: float
    bias: float
    chance: float
    deviation: float
    cosine_x: float
    chance_x: float
    milliseconds: float


def gradients(
    estimator: str, graphs: Graphs, temperature: float, samples: int
) -> tuple[Tensor, Tensor, float]:
    """Return gradients in the threshold [S, B] and in x [S, N F] of S samples, and ms per step."""
    pool = make_pool(estimator, 0.5, temperature)
    criterion = ReinforceLoss()
    x = graphs.x.clone().requires_grad_()
    rows, of_x, seconds = [], [], []
    for _ in range(samples if estimator in SAMPLING else 1):
        value = losses(pool, estimator, graphs, x, read_out, criterion)
        row = [torch.autograd.grad(one, pool.raw_threshold, retain_graph=True)[0] for one in value]
        rows.append(torch.stack(row))
        of_x.append(torch.autograd.grad(value.sum(), x)[0].flatten())
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        total = losses(pool, estimator, graphs, x, read_out, criterion).sum()
        torch.autograd.grad(total, [pool.raw_threshold, x])
        seconds.append(time.perf_counter() - start)
    return torch.stack(rows), torch.stack(of_x), 1e3 * median(seconds)


def chance_cosine(rows: Tensor, exact: Tensor) -> float:
    """Return the cosine that the mean of unbiased rows of this variance would have."""
    if len(rows) == 1:
        return float("nan")
    noise = float((rows - rows.mean(0)).square().sum(1).mean()) / len(rows)
    length = float(exact.square().sum())
    return (length / (length + noise)) ** 0.5


def compare(
    graphs: Graphs, temperature: float, samples: int, names: Sequence[str]
) -> dict[str, Comparison]:
    """Compare every estimator with the exact gradient."""
    exact, exact_x, _ = gradients("expectation", graphs, temperature, 1)
    found = {}
    for name in names:
        rows, of_x, milliseconds = gradients(name, graphs, temperature, samples)
        centre, length = rows.mean(0), exact[0].norm()
        deviation = float((rows - centre).square().sum(1).mean().sqrt() / length)
        found[name] = Comparison(
            cosine=float(torch.cosine_similarity(centre, exact[0], dim=0)),
            bias=float((centre - exact[0]).norm() / length),
            chance=deviation / len(rows) ** 0.5,
            deviation=deviation,
            cosine_x=float(torch.cosine_similarity(of_x.mean(0), exact_x[0], dim=0)),
            chance_x=chance_cosine(of_x, exact_x[0]),
            milliseconds=milliseconds,
        )
    return found


# --- learning ----------------------------------------------------------------------------------


class Training(NamedTuple):
    """The step from which the threshold stays in the gap, or None, and the last threshold."""

    arrived: int | None
    end: float


def gap(graphs: Graphs) -> tuple[float, float]:
    """Return the highest cosine of different prototypes, and the lowest of equal ones."""
    left, right = graphs.edge_index
    score = torch.cosine_similarity(graphs.x[left], graphs.x[right])
    same = (graphs.clean[left] == graphs.clean[right]).all(1)
    return float(score[~same].max()), float(score[same].min())


def learn(
    estimator: str, start: float, seed: int, steps: int, temperature: float, lr: float
) -> Training:
    """Train the threshold alone."""
    torch.manual_seed(seed)
    graphs = noisy_clusters(16, 16, seed, noise=0.08)
    low, high = gap(graphs)
    assert low < high, "no threshold is best by construction"
    pool = make_pool(estimator, start, temperature)
    optimizer = torch.optim.Adam([pool.raw_threshold], lr=lr)
    criterion = ReinforceLoss()
    arrived: int | None = None
    for step in range(steps):
        optimizer.zero_grad()
        losses(pool, estimator, graphs, graphs.x, denoise, criterion).mean().backward()
        optimizer.step()
        inside = low <= float(pool.threshold.detach()) < high
        arrived = (step + 1 if arrived is None else arrived) if inside else None
    return Training(arrived, float(pool.threshold.detach()))


# --- tables ------------------------------------------------------------------------------------


def quantity(found: Comparison, field: str) -> str:
    """Write a number of a comparison."""
    text = f"{getattr(found, field):.3g}"
    if field == "bias" and found.chance > 0:
        return f"{text} ({found.chance:.2g})"
    return f"{text} ({found.chance_x:.2g})" if field == "cosine_x" and found.chance > 0 else text


def gradient_tables(options: argparse.Namespace) -> tuple[list[str], dict[str, list[float]]]:
    """Lay out one table per quantity; return also the cosines for a plot."""
    results = {}
    for size in options.sizes:
        for temperature in options.temperatures:
            graphs = noisy_clusters(options.graphs, size, seed=size, noise=0.35)
            results[size, temperature] = compare(
                graphs, temperature, options.samples, options.estimators
            )
            print(f"n {size}, T {temperature}", flush=True)
    titles = {
        "cosine": "Cosine with the exact gradient of the threshold",
        "bias": "Relative bias, |mean - exact| / |exact| (of an unbiased estimator, by chance)",
        "deviation": "Relative standard deviation of a sample",
        "cosine_x": "Cosine with the exact gradient of x (of an unbiased estimator, by chance)",
        "milliseconds": "Milliseconds per step",
    }
    head = ["n, T", *options.estimators]
    tables = []
    for field, title in titles.items():
        lines = [
            [f"{n}, {t:g}", *(quantity(found[e], field) for e in options.estimators)]
            for (n, t), found in results.items()
        ]
        tables.append(format_table(title, head, lines))
    return tables, {e: [found[e].cosine for found in results.values()] for e in options.estimators}


def learning_table(options: argparse.Namespace) -> str:
    """Lay out how often, and how fast, each estimator finds the gap."""
    lines = []
    for name in options.estimators:
        line = [name]
        for start in (0.05, 0.97):
            trainings = [
                learn(name, start, seed, options.steps, options.temperature, options.lr)
                for seed in range(options.seeds)
            ]
            steps = [t.arrived for t in trainings if t.arrived is not None]
            line += [
                f"{len(steps)}/{len(trainings)}",
                f"{median(steps):g}" if steps else "-",
                f"{mean(t.end for t in trainings):.2f}",
            ]
        print(f"learning: {name}", flush=True)
        lines.append(line)
    head = ["", "from 0.05: found", "steps", "ends at", "from 0.97: found", "steps", "ends at"]
    title = f"Learning the threshold: {options.steps} steps of Adam at T {options.temperature:g}"
    return format_table(title, head, lines)


def plot(cosines: dict[str, list[float]], options: argparse.Namespace) -> None:
    """Draw the cosines of the largest graphs against temperature, one line per estimator."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6))
    axes = figure.add_subplot()
    count = len(options.temperatures)
    for name, values in cosines.items():
        axes.plot(options.temperatures, values[-count:], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xticks(options.temperatures, [f"{t:g}" for t in options.temperatures])
    axes.minorticks_off()
    axes.set_xlabel("temperature")
    axes.set_ylabel("cosine with the exact gradient")
    axes.set_title(f"graphs of {options.sizes[-1]} nodes", fontsize=10)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    figure.savefig(options.plot, dpi=120)


def main() -> None:
    """Compare the estimators of the command line and print the tables."""
    parser = argparse.ArgumentParser(description="Compare estimators with the exact gradient.")
    add = parser.add_argument
    add("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS), metavar="NAME")
    add("--sizes", nargs="+", type=int, default=[4, 8, 16, 32, 64], help="nodes per graph")
    add("--temperatures", nargs="+", type=float, default=[0.02, 0.05, 0.1, 0.2, 0.5])
    add("--graphs", type=int, default=32)
    add("--samples", type=int, default=200, help="for the estimators that sample")
    add("--seeds", type=int, default=10, help="trainings per start")
    add("--steps", type=int, default=300)
    add("--lr", type=float, default=0.05)
    add("--temperature", type=float, default=0.1, help="temperature of the trainings")
    add("--output", type=Path, help="markdown file")
    add("--plot", type=Path, help="picture of the cosines; needs matplotlib")
    options = parser.parse_args()
    stamp = begin_result(options.output, options.plot)
    tables, cosines = gradient_tables(options)
    end_result(options.output, stamp, describe_machine(), *tables, learning_table(options))
    if options.plot is not None:
        plot(cosines, options)


if __name__ == "__main__":
    main()
