"""Compare a model with a pool with the same model compiled, forward and backward.

    python -m benchmarks.compile --output compile.md
    python -m benchmarks.compile --workloads molecules --repeats 5

The model is SAGEConv, ReLU, ThresholdMergePool, SAGEConv, the mean per graph, Linear, all with 64
features, on the workloads of ``benchmarks.pools``. The number of nodes after the pool depends on
the data, so ``torch.compile`` leaves the pool out: that is its only graph break (GCNConv in place
of SAGEConv would add several, since it adds self-loops). A difference is the largest difference of
a tensor, divided by its largest number.
"""

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv, global_mean_pool

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.features import FEATURES, pair_cosines
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import prepare
from benchmarks.pools.tables import format_table, show
from benchmarks.pools.workloads import SEED, WORKLOADS, Workload, build_workload
from pyg_grapheme.nn import ThresholdMergePool

WARM_UPS = 3


class Model(nn.Module):
    """Convolve, pool, convolve, read out; the share ``above`` of the pairs merges."""

    def __init__(self, work: Workload, above: float) -> None:
        super().__init__()
        self.before = SAGEConv(FEATURES, FEATURES)
        self.after = SAGEConv(FEATURES, FEATURES)
        self.head = nn.Linear(FEATURES, FEATURES)
        with torch.no_grad():
            hidden = self.before(work.x, work.edge_index).relu()
            self.pool = ThresholdMergePool(gap(pair_cosines(hidden, work.edge_index), above))
            selection = self.pool.select(hidden, work.edge_index, batch=work.batch)
        self.ratio = selection.num_clusters / work.batch.numel()

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor, num_graphs: int) -> Tensor:
        """Map x [N, F] to [B, F]."""
        x = self.before(x, edge_index).relu()
        x, edge_index, _, batch, _ = self.pool(x, edge_index, None, batch, num_graphs)
        x = global_mean_pool(self.after(x, edge_index), batch, num_graphs)
        output: Tensor = self.head(x)
        return output


class Run(NamedTuple):
    """One run forward and backward.

    Attributes:
        seconds: Duration.
        output: [B, F].
        gradients: Gradients of the parameters.
    """

    seconds: float
    output: Tensor
    gradients: list[Tensor]


def gap(score: Tensor, above: float) -> float:
    """Return the middle of the widest gap of scores near a quantile, safe from rounding."""
    ordered = score.sort().values
    middle, reach = round((1 - above) * ordered.numel()), ordered.numel() // 100 + 1
    near = ordered[max(0, middle - reach) : middle + reach]
    widest = int(near.diff().argmax())
    return float(near[widest : widest + 2].mean())


def run_once(forward: Callable[..., Tensor], model: nn.Module, work: Workload) -> Run:
    """Run forward and backward once; ``forward`` is the model or its compiled form."""
    work.x.grad = None
    model.zero_grad(set_to_none=True)
    num_graphs = int(work.batch[-1]) + 1
    start = time.perf_counter()
    output = forward(work.x, work.edge_index, work.batch, num_graphs)
    torch.autograd.backward(output, work.gradient[:num_graphs])
    seconds = time.perf_counter() - start
    return Run(seconds, output.detach(), [p.grad for p in model.parameters() if p.grad is not None])


def difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference over the largest expected number."""
    return float((found - expected).abs().max() / expected.abs().max())


def count_breaks(model: nn.Module, work: Workload) -> int:
    """Count the graph breaks."""
    inputs = work.x, work.edge_index, work.batch, int(work.batch[-1]) + 1
    return int(torch._dynamo.explain(model)(*inputs).graph_break_count)


def compare(name: str, above: float, repeats: int) -> list[str]:
    """Run the model eagerly and compiled, in turns; return a line of the table."""
    work = build_workload(name, above)
    torch.manual_seed(SEED)
    model = Model(work, above)
    breaks = count_breaks(model, work)
    torch._dynamo.reset()
    forwards: dict[str, Callable[..., Tensor]] = {
        "eager": model,
        "compiled": torch.compile(model, dynamic=True, backend="inductor"),
    }
    expected, found = (
        [run_once(forward, model, work) for _ in range(WARM_UPS)][-1]
        for forward in forwards.values()
    )
    seconds: dict[str, list[float]] = {each: [] for each in forwards}
    for _ in range(repeats):
        gc.collect()
        for each, forward in forwards.items():
            seconds[each].append(run_once(forward, model, work).seconds)
    gradients = zip(found.gradients, expected.gradients, strict=True)
    differences = [
        difference(found.output, expected.output),
        max(difference(*pair) for pair in gradients),
    ]
    times = [show(1e3 * median(each)) for each in seconds.values()]
    return [name, f"{model.ratio:.2f}", *times, *(f"{d:.1e}" for d in differences), str(breaks)]


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compile", description="Compare a model with its compiled form."
    )
    add = parser.add_argument
    add("--workloads", nargs="+", choices=WORKLOADS, default=["molecules", "random_1e4"],
        metavar="NAME", help=f"some of {', '.join(WORKLOADS)}")  # fmt: skip
    add("--above", type=float, default=0.5, help="share of the pairs above the threshold")
    add("--repeats", type=int, default=20, help="runs of each")
    add("--threads", type=int, default=torch.get_num_threads())
    add("--output", type=Path, help="markdown file")
    return parser.parse_args()


def main() -> None:
    """Compare on what the command line asks for and print the table."""
    options = parse_options()
    stamp = begin_result(options.output)
    prepare(options.threads)
    gc.disable()  # Garbage is collected between the runs.
    lines, reasons = [], []
    for name in options.workloads:
        try:
            lines.append(compare(name, options.above, options.repeats))
        except (RuntimeError, OSError) as error:  # The usual reason: no C++ compiler.
            reasons.append(f"- {name}: {str(error).splitlines()[0]}")
    head = ["", "C/N", "eager, ms", "compiled, ms", "outputs differ", "gradients differ", "breaks"]
    end_result(
        options.output,
        stamp,
        f"{FEATURES} features, float32, forward and backward; {describe_machine()}",
        format_table("Eager against compiled", head, lines) if lines else None,
        "\n".join(["Not compiled:", "", *reasons]) if reasons else None,
    )


if __name__ == "__main__":
    main()
