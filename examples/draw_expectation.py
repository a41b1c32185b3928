"""Draw a loss against the threshold, with its expectation and the gradient of the expectation.

    python examples/draw_expectation.py --folder docs

A chain of twelve nodes has the features of three prototypes with noise; the loss is the distance of
each node's pooled features from its prototype. At the plain threshold the loss is a step function:
its derivative is zero or undefined. ``cuts`` gives its exact expectation under a noisy threshold: a
smooth function whose gradient leads to the best merge. The dots are central differences.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch_geometric.utils import scatter

from pyg_grapheme.nn import ThresholdMergePool


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description="Draw an expected loss and its gradient.")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--temperature", type=float, default=0.03)
    options = parser.parse_args(arguments)
    print("Expect: gradients that differ by less than 1e-6. Time: 7 s on one core.")
    torch.manual_seed(1)
    clean = torch.eye(4, dtype=torch.double)[torch.arange(12) // 4]
    x = clean + 0.3 * torch.randn_like(clean)
    edge_index = torch.stack([torch.arange(11), torch.arange(1, 12)])

    def expected(threshold: float) -> tuple[float, float]:
        pool = ThresholdMergePool(temperature=options.temperature).double()
        with torch.no_grad():  # the constructor rounds the threshold to float32
            pool.raw_threshold.copy_(torch.tensor(threshold, dtype=torch.double).logit())
        cuts = pool.cuts(x, edge_index)
        pooled = cuts.output.history.lift(cuts.output.x)
        error = (pooled - clean[cuts.node]).square().sum(1)
        loss = scatter(error, cuts.batch, dim_size=cuts.num_cuts, reduce="mean")
        value = cuts.expectation(loss).sum()
        value.backward()
        # The chain rule turns the gradient in the raw threshold into that in the threshold.
        return float(value.detach()), float(pool.raw_threshold.grad) / (threshold * (1 - threshold))

    def plain(threshold: float) -> float:
        out = ThresholdMergePool(threshold).double()(x, edge_index)
        return float((out.history.lift(out.x.detach()) - clean).square().sum(1).mean())

    taus = torch.linspace(0.02, 0.98, 400).tolist()
    values, slopes = zip(*map(expected, taus), strict=True)
    figure = Figure(figsize=(7, 4))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above.step(taus, [plain(tau) for tau in taus], color="0.6", label="loss at the threshold")
    above.plot(taus, values, color="#1d6996", label="expected loss")
    above.set_ylabel("loss")
    above.legend(frameon=False, fontsize=9)
    below.axhline(0, color="0.8", linewidth=0.8)
    below.plot(taus, slopes, color="#d62828", label="its gradient")
    dots, step = taus[5::15], 1e-6
    differences = [(expected(t + step)[0] - expected(t - step)[0]) / (2 * step) for t in dots]
    below.plot(dots, differences, "o", color="0.2", markersize=3, label="central differences")
    below.set_ylabel("gradient")
    below.set_xlabel("threshold")
    below.legend(frameon=False, fontsize=9)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "expectation.png"
    figure.savefig(path, dpi=110)
    worst = max(abs(d - expected(t)[1]) for t, d in zip(dots, differences, strict=True))
    print(f"{path}: largest difference of the two gradients {worst:.1e}")


if __name__ == "__main__":
    main()
