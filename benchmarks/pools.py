"""Compare pooling layers: one process, the same inputs, forward and backward.

    python benchmarks/pools.py --output pools.md --memory
    python benchmarks/pools.py --workloads chain_1e3 molecules --pools ours topk ec --repeats 3

Every layer gets 64 float32 features and gives back the gradient of its output nodes. Layers take
turns within a workload, in a random order each time, so that noise hits all alike; the first turn
of each is a warm-up and does not count unless it is the only one. The threshold of a workload is a
quantile of its pairs' cosines (``--above``: the share of pairs above it), and C/N says how much
then merges: with the median, half of the nodes of chains, words and molecules, but nearly all of a
random graph, in which half of the edges still hold most nodes together.

The floor is what remains when the clusters are given: the mean of x over them, and the edges
between them without repeats.
"""

import argparse
import gc
import math
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn import (
    ASAPooling,
    ClusterPooling,
    EdgePooling,
    SAGPooling,
    TopKPooling,
)
from torch_geometric.utils import coalesce, scatter, to_undirected

from pyg_grapheme.nn import ThresholdMergePool

FEATURES = 64
SEED = 0
LEAST_RUNS = 3
DENSE_LIMIT = 10_000


# --- workloads ---------------------------------------------------------------------------------


class Graph(NamedTuple):
    """Nodes and edges before they have features.

    Attributes:
        edge_index: [2, E], sorted by row.
        batch: [N], sorted.
        merged: Whether every pair is to merge.
    """

    edge_index: Tensor
    batch: Tensor
    merged: bool = False


class Workload(NamedTuple):
    """What every layer is given.

    Attributes:
        x: [N, F], a leaf that requires a gradient.
        edge_index: [2, E], sorted by row.
        batch: [N], sorted.
        gradient: [N, F]; its first C rows are the gradient of a layer's C output nodes.
        threshold: Cosine above which ours merges.
        cluster: [N], where ours merges each node to (components), for the floor.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    gradient: Tensor
    threshold: float
    cluster: Tensor


def chain(num_nodes: int, shuffled: bool = False) -> Graph:
    """Join each node to the next, in both directions; all of it merges where it is shuffled."""
    node = torch.randperm(num_nodes) if shuffled else torch.arange(num_nodes)
    edges = to_undirected(torch.stack([node[:-1], node[1:]]), num_nodes=num_nodes)
    return Graph(edges, torch.zeros(num_nodes, dtype=torch.long), shuffled)


def words(count: int, length: int, both: bool) -> Graph:
    """Chains of one length, one way or both ways."""
    node = torch.arange(count * length).view(count, length)
    edges = torch.stack([node[:, :-1].flatten(), node[:, 1:].flatten()])
    if both:
        edges = to_undirected(edges, num_nodes=node.numel())
    return Graph(edges, torch.arange(count).repeat_interleave(length))


def molecules(count: int, mean_size: int, rings: int = 3) -> Graph:
    """Random trees whose nodes hang on one of the three before them, and a few rings of six."""
    size = torch.randint(mean_size - 6, mean_size + 7, (count,))
    batch = torch.arange(count).repeat_interleave(size)
    start = size.cumsum(0) - size
    place = torch.arange(batch.numel()) - start[batch]
    child = (place > 0).nonzero().view(-1)
    step = (torch.rand(child.numel()) * place[child].clamp(max=3)).long() + 1
    tree = torch.stack([child - step, child])
    close = start[:, None] + 5 + (torch.rand(count, rings) * (size[:, None] - 5)).long()
    ring = torch.stack([close.flatten() - 5, close.flatten()])
    return Graph(to_undirected(torch.cat([tree, ring], 1), num_nodes=batch.numel()), batch)


def random_graph(num_nodes: int, mean_degree: int) -> Graph:
    """Random pairs of nodes, each in both directions."""
    edges = torch.randint(num_nodes, (2, num_nodes * mean_degree // 2))
    edges = to_undirected(edges[:, edges[0] != edges[1]], num_nodes=num_nodes)
    return Graph(edges, torch.zeros(num_nodes, dtype=torch.long))


WORKLOADS: dict[str, Callable[[], Graph]] = {
    "molecules": partial(molecules, 128, 30),
    "words_oneway": partial(words, 4096, 16, both=False),
    "words_bothways": partial(words, 4096, 16, both=True),
    "chain_1e3": partial(chain, 10**3),
    "chain_1e4": partial(chain, 10**4),
    "chain_1e5": partial(chain, 10**5),
    "chain_1e6": partial(chain, 10**6),
    "chain_1e5_merged": partial(chain, 10**5, shuffled=True),
    "random_1e4": partial(random_graph, 10**4, 6),
    "random_1e5": partial(random_graph, 10**5, 6),
}
SIZES = {"chain_1e3": 10**3, "chain_1e4": 10**4, "chain_1e5": 10**5, "chain_1e6": 10**6}


def smooth_features(graph: Graph) -> Tensor:
    """Add up each node's own noise and its neighbours': ends of an edge are alike. [N, F]."""
    num_nodes = graph.batch.numel()
    noise = torch.randn(num_nodes, FEATURES)
    low, high = to_undirected(graph.edge_index, num_nodes=num_nodes)
    x = noise.clone().index_add_(0, low, noise[high])
    # A common part makes every cosine large.
    return x + 3 if graph.merged else x


def build_workload(name: str, above: float) -> Workload:
    """Draw a workload, from a fixed seed; the share ``above`` of its pairs merges."""
    torch.manual_seed(SEED)
    graph = WORKLOADS[name]()
    x = smooth_features(graph)
    threshold = 0.5
    if not graph.merged:
        low, high = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]]
        pairs = zip(low.split(10**5), high.split(10**5), strict=True)
        score = torch.cat([F.cosine_similarity(x[i], x[j]) for i, j in pairs])
        threshold = float(score.kthvalue(max(1, round((1 - above) * score.numel()))).values)
    with torch.no_grad():
        selection = ThresholdMergePool(threshold).select(x, graph.edge_index, batch=graph.batch)
    gradient = torch.randn_like(x)
    x.requires_grad_()
    return Workload(x, graph.edge_index, graph.batch, gradient, threshold, selection.cluster)


# --- layers ------------------------------------------------------------------------------------


class Floor(nn.Module):
    """The same reductions with the clusters given."""

    def __init__(self, cluster: Tensor) -> None:
        super().__init__()
        self.cluster = cluster
        self.num_clusters = int(cluster.max()) + 1

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Average x over the clusters and list the edges between them."""
        pooled = scatter(x, self.cluster, dim_size=self.num_clusters, reduce="mean")
        edges = self.cluster[edge_index]
        return pooled, coalesce(edges[:, edges[0] != edges[1]], num_nodes=self.num_clusters)


class Row(NamedTuple):
    """A line of the tables.

    Attributes:
        name: As it is printed; unique.
        key: What ``--pools`` calls it, several lines together.
        build: Makes the layer, called as ``layer(x, edge_index, batch=batch)``; an option that
            it refuses or a package that is missing leaves the line out, with the reason.
        limit: Nodes of the largest workload that it is run on.
    """

    name: str
    key: str
    build: Callable[[Workload], nn.Module]
    limit: int | None = None


def edge_contraction() -> nn.Module:
    """Make torch-geometric-pool's edge contraction; the package is only needed here."""
    from tgp.poolers import EdgeContractionPooling

    layer: nn.Module = EdgeContractionPooling(FEATURES)
    return layer


def maximal_independent_set() -> nn.Module:
    """Make torch-geometric-pool's k-MIS pooling; the package is only needed here."""
    from tgp.poolers import KMISPooling

    layer: nn.Module = KMISPooling(FEATURES)
    return layer


BASE = "TopKPooling"
CONTRACTION = "tgp ec"
PEERS = [
    Row("floor", "floor", lambda work: Floor(work.cluster)),
    Row(BASE, "topk", lambda _: TopKPooling(FEATURES)),
    Row("SAGPooling", "sag", lambda _: SAGPooling(FEATURES)),
    Row("ASAPooling", "asap", lambda _: ASAPooling(FEATURES)),
    Row("tgp kmis", "kmis", lambda _: maximal_independent_set()),
    Row(CONTRACTION, "ec", lambda _: edge_contraction()),
    Row("EdgePooling", "edge", lambda _: EdgePooling(FEATURES)),
    Row("ClusterPooling", "cluster", lambda _: ClusterPooling(FEATURES), DENSE_LIMIT),
]


def our_row(**options: Any) -> Row:
    """Make the line of ThresholdMergePool with these options."""
    name = " ".join(["ours", *map(str, options.values())])
    return Row(name, "ours", lambda work: ThresholdMergePool(work.threshold, **options))


def list_rows(options: argparse.Namespace) -> list[Row]:
    """List the lines that the command line asks for."""
    ours = [
        our_row(merge=merge, estimator=estimator)
        for merge in options.merges
        for estimator in options.estimators
    ]
    return [row for row in [*ours, *PEERS] if row.key in options.pools]


def is_ours(name: str) -> bool:
    """Whether a line is one of ThresholdMergePool's."""
    return name.startswith("ours")


# --- measuring ---------------------------------------------------------------------------------


@dataclass
class Cell:
    """One layer on one workload.

    Attributes:
        seconds: One number a run, the first the warm-up's.
        ratio: C/N, output over input nodes.
        memory: Peak of one run, bytes.
        reason: Why it was not run.
    """

    seconds: list[float] = field(default_factory=list)
    ratio: float | None = None
    memory: float | None = None
    reason: str | None = None

    @property
    def median(self) -> float | None:
        """Seconds of the median run."""
        return median(self.seconds[1:] or self.seconds) if self.seconds else None

    def is_done(self, repeats: int, budget: float) -> bool:
        """Whether the repeats or the budget, in seconds, are spent."""
        runs = len(self.seconds) - 1
        spent = runs >= LEAST_RUNS and sum(self.seconds) >= budget
        return self.reason is not None or runs >= repeats or spent or self.seconds[-1] > budget


def build_layer(row: Row, work: Workload) -> nn.Module:
    """Make the layer, from a fixed seed."""
    torch.manual_seed(SEED)
    return row.build(work)


def run_once(layer: nn.Module, work: Workload) -> tuple[float, int]:
    """Go forward and backward once; return the seconds and the number of output nodes."""
    work.x.grad = None
    layer.zero_grad(set_to_none=True)
    start = time.perf_counter()
    output = layer(work.x, work.edge_index, batch=work.batch)
    pooled = output.x if hasattr(output, "x") else output[0]
    pooled.backward(work.gradient[: pooled.size(0)])
    return time.perf_counter() - start, pooled.size(0)


def first_run(row: Row, work: Workload) -> tuple[Cell, nn.Module | None]:
    """Make the layer and warm it up, or say why that is not possible."""
    num_nodes = work.batch.numel()
    if row.limit is not None and num_nodes > row.limit:
        return Cell(reason=f"dense; more than {row.limit:,} nodes"), None
    try:
        layer = build_layer(row, work)
    except (ImportError, TypeError, ValueError) as error:
        return Cell(reason=f"refused: {error}"), None
    try:
        seconds, num_clusters = run_once(layer, work)
    except RuntimeError as error:
        return Cell(reason=f"failed: {str(error).splitlines()[0]}"), None
    return Cell([seconds], num_clusters / num_nodes), layer


def time_rows(rows: Sequence[Row], work: Workload, repeats: int, budget: float) -> dict[str, Cell]:
    """Run the layers in turns until each has spent its repeats or its budget."""
    cells: dict[str, Cell] = {}
    layers: dict[str, nn.Module] = {}
    for row in rows:
        cells[row.name], layer = first_run(row, work)
        if layer is not None:
            layers[row.name] = layer
    order = random.Random(SEED)
    gc.freeze()  # What is there already need not be looked through, and pushed into the caches.
    while turn := [name for name in layers if not cells[name].is_done(repeats, budget)]:
        gc.collect()
        # Another order each time: none always follows the one that leaves the caches worst.
        order.shuffle(turn)
        for name in turn:
            cells[name].seconds.append(run_once(layers[name], work)[0])
    return cells


def peak_bytes() -> float:
    """Read the highest memory use of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def measure_peak(path: str, name: str, options: argparse.Namespace) -> float:
    """Run one layer once and return by how many bytes that raised the peak; in a new process."""
    prepare(options.threads)
    row = next(row for row in list_rows(options) if row.name == name)
    # The libraries' own buffers come with the first use of them, however small.
    tiny = Workload(
        torch.randn(8, FEATURES, requires_grad=True), *chain(8)[:2], torch.randn(8, FEATURES),
        0.5, torch.arange(8) // 2,
    )  # fmt: skip
    run_once(build_layer(row, tiny), tiny)
    work = Workload(**torch.load(path))
    layer = build_layer(row, work)
    before = peak_bytes()
    run_once(layer, work)
    return peak_bytes() - before


def add_memory(cells: dict[str, Cell], work: Workload, options: argparse.Namespace) -> None:
    """Measure the peak memory of every cell that has run, each in a process of its own.

    The workload is read from a file, for drawing it takes more memory than many a layer. A forked
    child of the fork server starts from a peak of its own; one that is spawned would inherit ours.
    """
    context = multiprocessing.get_context("forkserver")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "workload.pt")
        torch.save(work._asdict(), path)
        for name, cell in cells.items():
            if cell.reason is not None:
                continue
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                try:
                    cell.memory = executor.submit(measure_peak, path, name, options).result()
                except BrokenProcessPool:
                    print(f"  memory of {name}: its process was killed", file=sys.stderr)


# --- tables ------------------------------------------------------------------------------------

Results = dict[str, dict[str, Cell]]
"""Workload -> line -> cell."""


def show(value: float | None, style: str = ".3g") -> str:
    """Write a number, or "-" where there is none, without an exponent."""
    if value is None:
        return "-"
    return f"{value:.0f}" if style == ".3g" and value >= 100 else format(value, style)


def divide(value: float | None, base: float | None) -> float | None:
    """Divide where both numbers are known."""
    return value / base if value is not None and base else None


def format_table(title: str, head: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    """Lay out a markdown table that can be read as plain text too."""
    table = [list(head), *map(list, lines)]
    width = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = [[text.ljust(w) for text, w in zip(line, width, strict=True)] for line in table]
    rows.insert(1, ["-" * w for w in width])
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(row)} |" for row in rows)])


def tabulate(
    title: str, results: Results, names: Iterable[str], value: Callable[[str, str], str]
) -> str:
    """Make a table of one line a layer and one column a workload."""
    lines = [[name, *(value(work, name) for work in results)] for name in names]
    return format_table(title, ["", *results], lines)


def base_ratio(results: Results, base: str) -> Callable[[str, str], str]:
    """Compare the median of a cell with that of the line ``base``."""

    def ratio(work: str, name: str) -> str:
        cells = results[work]
        reference = cells[base].median if base in cells else None
        return show(divide(cells[name].median, reference), ".2f")

    return ratio


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
        if len(points) >= 3:
            size, seconds = zip(*points, strict=True)
            reference = fit_slope(size, [n * math.log(n) for n in size])
            sizes = f"{size[0]:,.0f} to {size[-1]:,.0f}"
            lines.append([name, f"{fit_slope(size, seconds):.2f}", f"{reference:.2f}", sizes])
    if not lines:
        return None
    head = ["", "exponent", "n log n would be", "nodes"]
    return format_table("Cost against size (chains): log time over log n", head, lines)


def list_reasons(results: Results) -> str | None:
    """Say of every cell that was not run why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for work, cells in results.items():
        for name, cell in cells.items():
            if cell.reason is not None:
                reasons.setdefault((name, cell.reason), []).append(work)
    lines = [f"- {name}, {', '.join(on)}: {why}" for (name, why), on in reasons.items()]
    return "\n".join(["Not run (\"-\"):", "", *lines]) if lines else None  # fmt: skip


def result_tables(results: Results, with_memory: bool) -> list[str]:
    """Make the tables of time, output and memory, layers against workloads."""
    names = list(next(iter(results.values())))
    ours = [name for name in names if is_ours(name)]

    def milliseconds(work: str, name: str) -> str:
        return show(divide(results[work][name].median, 1e-3))

    def ratio(work: str, name: str) -> str:
        return show(results[work][name].ratio, ".2f")

    def megabytes(work: str, name: str) -> str:
        return show(divide(results[work][name].memory, 1e6))

    table = partial(tabulate, results=results)
    tables = [
        table("Median, ms", names=names, value=milliseconds),
        table(f"Ratio to {BASE}", names=names, value=base_ratio(results, BASE)),
    ]
    if ours:
        versus = base_ratio(results, CONTRACTION)
        tables.append(table(f"Ratio to {CONTRACTION}", names=ours, value=versus))
    tables.append(table("C/N, nodes out over nodes in", names=names, value=ratio))
    if with_memory:
        tables.append(table("Peak memory above the inputs, MB", names=names, value=megabytes))
    return tables


def report(results: Results, inputs: list[list[str]], options: argparse.Namespace) -> str:
    """Put all tables together."""
    setting = (
        f"{FEATURES} features, float32, forward and backward, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}; up to {options.repeats} runs or {options.seconds:g} s a cell."
    )
    head = ["", "nodes", "edges", "graphs", "threshold", "C/N (components)"]
    parts = [
        setting,
        format_table("Workloads", head, inputs),
        *result_tables(results, options.memory),
        scaling_table(results),
        list_reasons(results),
    ]
    return "\n\n".join(part for part in parts if part is not None) + "\n"


# --- command line ------------------------------------------------------------------------------


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    keys = ["ours", *(row.key for row in PEERS)]
    parser = argparse.ArgumentParser(description="Compare pooling layers, forward and backward.")
    add = parser.add_argument
    add("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME",
        help=f"some of {', '.join(WORKLOADS)}")  # fmt: skip
    add("--pools", nargs="+", choices=keys, default=keys, metavar="NAME",
        help=f"some of {', '.join(keys)}")  # fmt: skip
    add("--merges", nargs="+", default=["components", "matching"], help="of ours")
    add("--estimators", nargs="+", default=["none", "straight_through", "gate"], help="of ours")
    add("--above", type=float, default=0.5, help="share of the pairs above the threshold")
    add("--repeats", type=int, default=20, help="most runs of a cell")
    add("--seconds", type=float, default=10.0,
        help="budget of a cell; at least 3 runs unless one takes longer")  # fmt: skip
    add("--threads", type=int, default=torch.get_num_threads())
    add("--memory", action="store_true", help="peak memory of each cell too, in new processes")
    add("--output", type=Path, help="markdown file")
    return parser.parse_args()


def prepare(threads: int) -> None:
    """Set up this process."""
    torch.set_num_threads(threads)
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
    warnings.filterwarnings("ignore", "Sparse invariant checks are implicitly disabled")


def describe(name: str, work: Workload) -> list[str]:
    """Write down the sizes of a workload."""
    num_nodes, num_graphs = work.batch.numel(), int(work.batch[-1]) + 1
    counts = [f"{count:,}" for count in (num_nodes, work.edge_index.size(1), num_graphs)]
    share = (int(work.cluster.max()) + 1) / num_nodes
    return [name, *counts, f"{work.threshold:.3f}", f"{share:.2f}"]


def main() -> None:
    """Measure what the command line asks for and print the tables."""
    options = parse_options()
    prepare(options.threads)
    gc.disable()  # Collected between the turns, not in the middle of one.
    rows = list_rows(options)
    results: Results = {}
    inputs = []
    for name in options.workloads:
        print(f"{name} ...", file=sys.stderr, flush=True)
        work = build_workload(name, options.above)
        inputs.append(describe(name, work))
        results[name] = time_rows(rows, work, options.repeats, options.seconds)
        if options.memory:
            add_memory(results[name], work, options)
    text = report(results, inputs, options)
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
