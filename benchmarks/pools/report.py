"""The tables of time, output and memory: layers against workloads."""

from collections.abc import Iterable
from functools import partial

from benchmarks.pools.layers import BASE, FORWARD, TREES
from benchmarks.pools.measure import Cell, Results
from benchmarks.pools.tables import divide, format_table, show
from benchmarks.pools.workloads import Workload


def describe_workload(name: str, work: Workload) -> list[str]:
    """Return the sizes of a workload: a line of :func:`workload_table`."""
    num_nodes, num_graphs = work.batch.numel(), int(work.batch[-1]) + 1
    counts = [f"{count:,}" for count in (num_nodes, work.edge_index.size(1), num_graphs)]
    share = (int(work.cluster.max()) + 1) / num_nodes
    return [name, *counts, f"{work.threshold:.3f}", f"{share:.2f}"]


def workload_table(lines: list[list[str]]) -> str:
    """Lay out the sizes of the workloads."""
    head = ["", "nodes", "edges", "graphs", "threshold", "C/N (components)"]
    return format_table("Workloads", head, lines)


def tabulate(
    results: Results,
    title: str,
    names: Iterable[str],
    quantity: str,
    base: str | None = None,
    *,
    unit: float = 1.0,
    style: str = ".2f",
) -> str:
    """Lay out a quantity, one line per layer and one column per workload.

    Args:
        results: The cells.
        title: Heading.
        names: The layers.
        quantity: The attribute of a cell.
        base: The layer whose quantity the others are divided by.
        unit: The number that they are divided by without a base.
        style: Format of a number.
    """

    def value(cells: dict[str, Cell], name: str) -> str:
        by = unit if base is None else getattr(cells.get(base, Cell()), quantity)
        return show(divide(getattr(cells[name], quantity), by), style)

    lines = [[name, *(value(cells, name) for cells in results.values())] for name in names]
    return format_table(title, ["", *results], lines)


def result_tables(results: Results, with_memory: bool) -> list[str]:
    """Lay out time, output and, where it was measured, memory."""
    names = list(next(iter(results.values())))
    trees = [name for name in names if name.startswith(TREES)]
    pools = [name for name in names if name not in trees]
    table = partial(tabulate, results)
    tables = [
        table("Median, ms", names, "median", unit=1e-3, style=".3g"),
        table(f"Ratio to {BASE}", names, "median", BASE),
        table("C/N, nodes out over nodes in", pools, "ratio"),
    ]
    if trees:
        tables.insert(2, table(f"Trees, ratio to {FORWARD}", trees, "median", FORWARD))
    if with_memory:
        title = "Peak memory above the inputs, bytes per node"
        tables.append(table(title, names, "memory", style=".3g"))
    if with_memory and trees:
        title = f"Peak memory of trees, ratio to {FORWARD}"
        tables.append(table(title, trees, "memory", FORWARD))
    return tables


def list_reasons(results: Results) -> str | None:
    """List the reasons of all cells that were not run."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for work, cells in results.items():
        for name, cell in cells.items():
            if cell.reason is not None:
                reasons.setdefault((name, cell.reason), []).append(work)
    lines = [f"- {name}, {', '.join(on)}: {why}" for (name, why), on in reasons.items()]
    return "\n".join(['Not run ("-"):', "", *lines]) if lines else None
