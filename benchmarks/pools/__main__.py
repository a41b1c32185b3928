"""The command line of the comparison; the package describes it."""

import argparse
import gc
import sys
from pathlib import Path

import torch

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.features import FEATURES
from benchmarks.pools.layers import KEYS, list_rows
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import Results, prepare, time_rows
from benchmarks.pools.memory import add_memory
from benchmarks.pools.report import (
    describe_workload,
    list_reasons,
    result_tables,
    workload_table,
)
from benchmarks.pools.scaling import scaling_table
from benchmarks.pools.workloads import WORKLOADS, build_workload


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pools",
        description="Compare pooling layers, forward and backward.",
    )
    add = parser.add_argument
    add("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME",
        help=f"some of {', '.join(WORKLOADS)}")  # fmt: skip
    add("--pools", nargs="+", choices=KEYS, default=KEYS, metavar="NAME",
        help=f"some of {', '.join(KEYS)}")  # fmt: skip
    add("--merges", nargs="+", default=["components", "average", "complete", "matching"],
        help="merges of ours")  # fmt: skip
    add("--estimators", nargs="+", default=["none", "straight_through", "gate"],
        help="estimators of ours")  # fmt: skip
    add("--above", type=float, default=0.5,
        help="share of the pairs above a threshold that the workload does not fix")  # fmt: skip
    add("--repeats", type=int, default=20, help="largest number of runs of a cell")
    add("--seconds", type=float, default=10.0,
        help="time of a cell; at least 3 runs unless one takes longer")  # fmt: skip
    add("--threads", type=int, default=torch.get_num_threads())
    add("--device", choices=["cpu", "cuda"], default="cpu", help="where the layers run")
    add("--memory", action="store_true", help="also the peak memory of each cell, in new processes")
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    if options.memory and options.device == "cuda":
        parser.error("Expected '--memory' with '--device cpu' alone (got cuda)")
    return options


def main() -> None:
    """Measure what the command line asks for and print the tables."""
    options = parse_options()
    stamp = begin_result(options.output)
    prepare(options.threads)
    gc.disable()  # Garbage is collected between the turns.
    rows = list_rows(options.pools, options.merges, options.estimators)
    results: Results = {}
    inputs = []
    for name in options.workloads:
        print(f"{name} ...", file=sys.stderr, flush=True)
        work = build_workload(name, options.above).to(options.device)
        inputs.append(describe_workload(name, work))
        results[name] = time_rows(rows, work, options.repeats, options.seconds)
        if options.memory:
            add_memory(results[name], rows, work, options.threads)
    setting = (
        f"{FEATURES} features, float32, forward and backward, up to {options.repeats} runs or "
        f"{options.seconds:g} s per cell; {describe_machine(options.device)}"
    )
    end_result(
        options.output,
        stamp,
        setting,
        workload_table(inputs),
        *result_tables(results, options.memory),
        scaling_table(results),
        list_reasons(results),
    )


if __name__ == "__main__":
    main()
