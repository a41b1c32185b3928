"""Cost of the expectation against the size of a graph: over all cuts, and over sampled ones.

    python -m benchmarks.expectation --output expectation.md --plot expectation.png
    python -m benchmarks.expectation --sizes 16 64 --sampled 8 --repeats 3

A chain of n nodes, 64 float32 features, forward and backward through a small network on the cuts.
The peak memory is that of a process of its own, above the memory before the step.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import TypeAlias

import torch
from torch import nn
from torch_geometric.utils import scatter

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.features import FEATURES
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import prepare
from benchmarks.pools.memory import peak_bytes
from benchmarks.pools.scaling import fit_slope
from benchmarks.pools.tables import format_table, show
from pyg_grapheme.nn import ThresholdMergePool


def make_step(size: int, max_cuts: int | None) -> Callable[[], int]:
    """Return a step forward and backward, which returns its number of cuts."""
    torch.manual_seed(0)
    noise = torch.randn(size, FEATURES)
    x = (noise + noise.roll(1, 0)).requires_grad_()
    edge_index = torch.stack([torch.arange(size - 1), torch.arange(1, size)])
    pool = ThresholdMergePool(0.5)
    network = nn.Sequential(nn.Linear(FEATURES, FEATURES), nn.ReLU(), nn.Linear(FEATURES, 1))

    def step() -> int:
        x.grad = None
        cuts = pool.cuts(x, edge_index, max_cuts=max_cuts)
        value = network(cuts.output.x).squeeze(1)
        value = scatter(value, cuts.output.batch, dim_size=cuts.num_cuts)
        cuts.expectation(value).sum().backward()
        return cuts.num_cuts

    return step


def measure(size: int, max_cuts: int | None, repeats: int) -> tuple[float, int, float]:
    """Return median seconds, cuts, and peak bytes of a step; call it in a new process."""
    prepare(torch.get_num_threads())
    make_step(8, max_cuts)()
    step = make_step(size, max_cuts)
    before = peak_bytes()
    taken = step()
    peak = peak_bytes() - before
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return median(seconds), taken, peak


Curves: TypeAlias = dict[int | None, list[tuple[int, float, float]]]
"""Nodes, seconds, and bytes, by the number of sampled cuts; None for all cuts."""


def label(max_cuts: int | None) -> str:
    """Return the name of a curve."""
    return "all cuts" if max_cuts is None else f"{max_cuts} sampled cuts"


def plot(curves: Curves, path: Path) -> None:
    """Draw time and memory against size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2))
    axes = figure.subplots(1, 2)
    for max_cuts, points in curves.items():
        size, seconds, peak = zip(*points, strict=True)
        axes[0].plot(size, [1e3 * s for s in seconds], marker="o", ms=3, label=label(max_cuts))
        axes[1].plot(size, [p / 1e6 for p in peak], marker="o", ms=3)
    for axis, title in zip(axes, ("milliseconds, forward and backward", "peak MB"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="nodes")
        axis.set_title(title, fontsize=10)
    axes[0].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description="Cost of the expectation against graph size.")
    add = parser.add_argument
    add("--sizes", nargs="+", type=int, default=[8, 16, 32, 64, 128, 256, 512, 1024, 10**4, 10**5])
    add("--sampled", nargs="+", type=int, default=[4, 16], help="numbers of sampled cuts")
    add("--exact", type=int, default=1024, help="size of the largest graph with all cuts")
    add("--repeats", type=int, default=7)
    add("--output", type=Path, help="markdown file")
    add("--plot", type=Path, help="picture of the curves; needs matplotlib")
    options = parser.parse_args()
    stamp = begin_result(options.output, options.plot)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    rows = []
    curves: Curves = {}
    for max_cuts in (None, *options.sampled):
        for size in options.sizes:
            if max_cuts is None and size > options.exact:
                continue
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                taken = executor.submit(measure, size, max_cuts, options.repeats).result()
            curves.setdefault(max_cuts, []).append((size, taken[0], taken[2]))
            name = label(max_cuts)
            numbers = (show(1e3 * taken[0]), f"{taken[1]:,}", show(taken[2] / 1e6))
            rows.append([name, f"{size:,}", *numbers])
    head = ["cuts", "nodes", "ms", "number of cuts", "peak MB"]
    parts = [stamp, describe_machine(), format_table("Cost of the expectation", head, rows)]
    for max_cuts, points in curves.items():
        large = [(n, s) for n, s, _ in points if n >= 64]
        if len(large) >= 3:
            slope = fit_slope(*zip(*large, strict=True))
            parts.append(f"Exponent for {label(max_cuts)}, from 64 nodes: {slope:.2f}")
    end_result(options.output, *parts)
    if options.plot is not None:
        plot(curves, options.plot)


if __name__ == "__main__":
    main()
