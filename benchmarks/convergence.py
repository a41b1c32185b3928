"""The structural loss, and the convergence of its transport, against temperature.

    python -m benchmarks.convergence --output convergence.md --plot convergence.png

Pairs of random texts, in float64: the mean loss and the mean L1 error of the marginals over the
mass, after 20 and 200 iterations, after 200 with annealing, and after 20,000. The linear program of
POT is the limit of the node term as the temperature falls.
"""

import argparse
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import ot
import torch
from torch_geometric.data import Batch

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.tables import format_table
from pyg_grapheme.nn.loss import StructuralLoss, graph_features
from pyg_grapheme.nn.loss.terms import node_cost
from pyg_grapheme.text import text_graph

TEMPERATURES = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4]
WAYS = {
    "20 iterations": {"max_iterations": 20},
    "200 iterations": {"max_iterations": 200},
    "200, annealed": {"max_iterations": 200, "annealing": True},
    "20,000 iterations": {"max_iterations": 20_000},
}


class Point(NamedTuple):
    """Mean over the pairs: node term, total, L1 error over the mass, and share converged."""

    node: float
    total: float
    error: float
    converged: float


def draw_texts(count: int, low: int = 5, high: int = 20) -> tuple[Batch, Batch]:
    """Return pairs of random texts of ``low`` to ``high`` graphemes, as graphs."""
    draw = random.Random(0)
    sides = []
    for _ in range(2):
        texts = (
            "".join(draw.choices("abcdefgh 12.", k=draw.randint(low, high))) for _ in range(count)
        )
        side = Batch.from_data_list([text_graph(text) for text in texts])
        sides.append(side)
    return sides[0], sides[1]


def measure(first: Batch, second: Batch, temperature: float, options: dict) -> Point:
    """Compare all pairs once."""
    loss = StructuralLoss(temperature=temperature, tolerance=1e-9, **options)
    output = loss(first, second)
    mass = torch.bincount(first.batch)
    error = (output.transport.marginal_error / mass).mean()
    means = (output.node.mean(), output.total.mean(), error)
    # A transport counts as converged below a thousandth of the mass.
    done = (output.transport.marginal_error < 1e-3 * mass).double().mean()
    return Point(*map(float, means), float(done))


def exact_nodes(first: Batch, second: Batch) -> float:
    """Return the mean node term of the exact transport, by POT."""
    values = []
    for cost, mask1, mask2 in zip(*node_cost(*graph_features(first, second)), strict=True):
        n1, n2 = int(mask1.sum()), int(mask2.sum())
        a, b = np.ones(n1), np.full(n2, n1 / n2)
        values.append(ot.emd2(a, b, cost[:n1, :n2].numpy()) + abs(n1 - n2))
    return float(np.mean(values))


def plot(found: dict[str, list[Point]], exact: float, path: Path) -> None:
    """Plot the node term and the error against temperature."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2))
    left, right = figure.subplots(1, 2)
    for name, points in found.items():
        left.plot(TEMPERATURES, [p.node for p in points], marker="o", ms=3, label=name)
        # Smaller errors are rounding.
        right.plot(TEMPERATURES, [max(p.error, 1e-10) for p in points], marker="o", ms=3)
    left.axhline(exact, color="0.6", lw=1, ls="--", label="linear program")
    left.set(xscale="log", xlabel="temperature")
    left.set_title("node term, mean", fontsize=10)
    left.legend(fontsize=8, frameon=False)
    right.set(xscale="log", yscale="log", xlabel="temperature")
    right.set_title("L1 error of the marginals over the mass", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the command line and print the table."""
    parser = argparse.ArgumentParser(description="Convergence against temperature.")
    add = parser.add_argument
    add("--pairs", type=int, default=64)
    add("--output", type=Path, help="markdown file")
    add("--plot", type=Path, help="picture; needs matplotlib")
    options = parser.parse_args()
    stamp = begin_result(options.output, options.plot)
    first, second = draw_texts(options.pairs)
    first.activation, second.activation = first.activation.double(), second.activation.double()
    exact = exact_nodes(first, second)
    found = {
        name: [measure(first, second, t, way) for t in TEMPERATURES] for name, way in WAYS.items()
    }
    head = ["", "temperature", "node", "total", "error over mass", "below 1e-3 of it"]
    lines = [
        [name, f"{t:g}", f"{p.node:.4f}", f"{p.total:.3f}", f"{p.error:.1e}", f"{p.converged:.0%}"]
        for name, points in found.items()
        for t, p in zip(TEMPERATURES, points, strict=True)
    ]
    lines.append(["linear program", "0", f"{exact:.4f}", "-", "-", "-"])
    title = f"{options.pairs} pairs of texts of 5 to 20 graphemes"
    end_result(options.output, stamp, format_table(title, head, lines))
    if options.plot is not None:
        plot(found, exact, options.plot)


if __name__ == "__main__":
    main()
