"""The tables of time, output and memory: layers against workloads."""

from collections.abc import Callable, Iterable
from functools import partial

from benchmarks.pools.layers import BASE
from benchmarks.pools.measure import Results
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
    title: str, results: Results, names: Iterable[str], value: Callable[[str, str], str]
) -> str:
    """Lay out one line per layer and one column per workload."""
    lines = [[name, *(value(work, name) for work in results)] for name in names]
    return format_table(title, ["", *results], lines)


def result_tables(results: Results, with_memory: bool) -> list[str]:
    """Lay out time, output and, where it was measured, memory."""
    names = list(next(iter(results.values())))

    def milliseconds(work: str, name: str) -> str:
        return show(divide(results[work][name].median, 1e-3))

    def ratio_to_base(work: str, name: str) -> str:
        base = results[work][BASE].median if BASE in results[work] else None
        return show(divide(results[work][name].median, base), ".2f")

    def kept(work: str, name: str) -> str:
        return show(results[work][name].ratio, ".2f")

    def megabytes(work: str, name: str) -> str:
        return show(divide(results[work][name].memory, 1e6))

    table = partial(tabulate, results=results)
    tables = [
        table("Median, ms", names=names, value=milliseconds),
        table(f"Ratio to {BASE}", names=names, value=ratio_to_base),
        table("C/N, nodes out over nodes in", names=names, value=kept),
    ]
    if with_memory:
        tables.append(table("Peak memory above the inputs, MB", names=names, value=megabytes))
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
