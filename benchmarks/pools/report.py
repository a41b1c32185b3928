"""What a comparison found: the tables of time, output and memory, layers against workloads."""

from collections.abc import Callable, Iterable
from functools import partial

from benchmarks.pools.layers import BASE, CONTRACTION, is_ours
from benchmarks.pools.measure import Results
from benchmarks.pools.scaling import scaling_table
from benchmarks.pools.tables import divide, format_table, show
from benchmarks.pools.workloads import Workload


def describe_workload(name: str, work: Workload) -> list[str]:
    """Write down the sizes of a workload: a line of :func:`workload_table`."""
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


def result_tables(results: Results, with_memory: bool) -> list[str]:
    """Make the tables of time, output and, where it was measured, memory."""
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


def list_reasons(results: Results) -> str | None:
    """Say of every cell that was not run why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for work, cells in results.items():
        for name, cell in cells.items():
            if cell.reason is not None:
                reasons.setdefault((name, cell.reason), []).append(work)
    lines = [f"- {name}, {', '.join(on)}: {why}" for (name, why), on in reasons.items()]
    return "\n".join(['Not run ("-"):', "", *lines]) if lines else None


def report(setting: str, inputs: list[list[str]], results: Results, with_memory: bool) -> str:
    """Put all tables together, under what was set."""
    parts = [
        setting,
        workload_table(inputs),
        *result_tables(results, with_memory),
        scaling_table(results),
        list_reasons(results),
    ]
    return "\n\n".join(part for part in parts if part is not None) + "\n"
