"""The growth of the cost of a layer with the size of a graph."""

import math
from collections.abc import Sequence
from statistics import linear_regression

from benchmarks.pools.measure import Results
from benchmarks.pools.tables import format_table
from benchmarks.pools.workloads import SIZES

LEAST_SIZES = 3


def fit_slope(size: Sequence[float], cost: Sequence[float]) -> float:
    """Fit the exponent b of cost = a size^b by least squares of the logarithms."""
    return linear_regression([math.log(n) for n in size], [math.log(c) for c in cost]).slope


def scaling_table(results: Results) -> str | None:
    """Fit the cost of each layer against the size of the chain; None with fewer than 3 sizes."""
    lines = []
    for name in next(iter(results.values())):
        points = [
            (float(size), cost)
            for work, size in SIZES.items()
            if work in results and (cost := results[work][name].median) is not None
        ]
        if len(points) >= LEAST_SIZES:
            size, seconds = zip(*points, strict=True)
            reference = fit_slope(size, [n * math.log(n) for n in size])
            sizes = f"{size[0]:,.0f} to {size[-1]:,.0f}"
            lines.append([name, f"{fit_slope(size, seconds):.2f}", f"{reference:.2f}", sizes])
    if not lines:
        return None
    head = ["", "exponent", "n log n would be", "nodes"]
    return format_table("Cost against size (chains): log time over log n", head, lines)
