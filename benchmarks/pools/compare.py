"""Time two checkouts of the package against each other on the same workloads.

    python -m benchmarks.pools.compare --against ../old_checkout --output compare.md
    python -m benchmarks.pools.compare --against ../old_checkout --workloads molecules --rounds 1

Each checkout has a process of its own, with the same code of the benchmark and its own package. The
two processes take turns within every row, in alternating order; only one of them computes at a
time. Each round starts new processes, and the table shows the median of the rounds' medians.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

import pyg_grapheme
from benchmarks.checkout import ROOT, begin_result, commit, end_result
from benchmarks.pools.features import FEATURES
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import prepare, run_once
from benchmarks.pools.tables import format_table, show
from benchmarks.pools.workloads import SEED, WORKLOADS, Workload, build_workload
from pyg_grapheme.nn import ThresholdMergePool

MOST_RUNS = 20
"""Largest number of runs per turn."""

SLOW_SECONDS = 2.0
"""Time per row and round after which no further turn begins."""

MOST_COPIES = 2_000_000
"""Largest number of copied nodes of all cuts; larger workloads leave the row out."""

QUADRATIC = ("chain_1e5_falling", "chain_1e6_falling")
"""Workloads that are left out by default, since matching in rounds takes hours there."""

Step = Callable[[], object]


def forward_step(work: Workload, **options: Any) -> Step:
    """Return a step forward, without autograd."""
    pool = ThresholdMergePool(work.threshold, **options)
    return torch.no_grad()(lambda: pool(work.x, work.edge_index, batch=work.batch))


def training_step(work: Workload, **options: Any) -> Step:
    """Return a step forward and backward."""
    pool = ThresholdMergePool(work.threshold, **options)
    return lambda: run_once(pool, work)


def cuts_step(work: Workload, max_cuts: int | None, **options: Any) -> Step | None:
    """Return a step forward and backward through the expectation; None if it is too large."""
    size = torch.bincount(work.batch)
    count = size if max_cuts is None else size.clamp(max=max_cuts)
    if int((size * count).sum()) > MOST_COPIES:
        return None
    pool = ThresholdMergePool(work.threshold, **options)

    def step() -> None:
        torch.manual_seed(SEED)
        work.x.grad = pool.raw_threshold.grad = None
        cuts = pool.cuts(work.x, work.edge_index, None, work.batch, size.numel(), max_cuts=max_cuts)
        value: Tensor = scatter(
            cuts.output.x.square().mean(1), cuts.output.batch, dim_size=cuts.graph.numel()
        )
        # `average` is the name in version 0.1.0.
        expectation = cuts.expectation if hasattr(cuts, "expectation") else cuts.average
        expectation(value).sum().backward()

    return step


MERGES, ESTIMATORS = ("components", "matching"), ("none", "straight_through", "gate")

ROWS: dict[str, Callable[[Workload], Step | None]] = {
    **{f"{merge}, forward": partial(forward_step, merge=merge) for merge in MERGES},
    **{
        f"{merge}, {estimator}": partial(training_step, merge=merge, estimator=estimator)
        for merge, estimator in product(MERGES, ESTIMATORS)
    },
    **{f"{merge}, all cuts": partial(cuts_step, max_cuts=None, merge=merge) for merge in MERGES},
    **{f"{merge}, 4 cuts": partial(cuts_step, max_cuts=4, merge=merge) for merge in MERGES},
}


HEAD = ["", "", "old, ms", "new, ms", "new / old"]


class Turn(NamedTuple):
    """A request to a worker: repeat a row for some seconds, and return the time of each run."""

    workload: str
    row: str
    seconds: float


Answer = list[float] | str | None
"""The seconds of each run; the reason why the row failed; None if the workload is too large."""


def work() -> None:
    """Answer the turns on standard input, one line of JSON each; the first line is the package."""
    prepare(torch.get_num_threads())
    gc.disable()  # Garbage is collected between the turns.
    print(json.dumps(str(package_root())), flush=True)
    name, inputs, row, step = "", None, "", None
    for line in sys.stdin:
        turn = Turn(*json.loads(line))
        try:
            if inputs is None or turn.workload != name:
                name, inputs, row = turn.workload, build_workload(turn.workload, above=0.5), ""
            if turn.row != row:
                row, step = turn.row, ROWS[turn.row](inputs)
            answer: Answer = None if step is None else time_step(step, turn.seconds)
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            answer = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        print(json.dumps(answer), flush=True)


def package_root() -> Path:
    """Return the folder that the package was imported from."""
    return Path(pyg_grapheme.__file__).resolve().parents[1]


def time_step(step: Step, seconds: float) -> list[float]:
    """Repeat a step until the time is over, at least once; return the seconds of each run."""
    gc.collect()
    taken: list[float] = []
    while not taken or (sum(taken) < seconds and len(taken) < MOST_RUNS):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return taken


@contextmanager
def start_worker(checkout: Path, threads: int) -> Iterator[Callable[[Turn], Answer]]:
    """Start a process with the package of a checkout and this benchmark; yield how to ask it."""
    if not (checkout / "pyg_grapheme/__init__.py").is_file():
        raise SystemExit(f"error: Expected the root of a checkout (got {checkout})")
    with TemporaryDirectory() as folder:
        for root, package in ((ROOT, "benchmarks"), (checkout.resolve(), "pyg_grapheme")):
            Path(folder, package).symlink_to(root / package)
        with subprocess.Popen(
            [sys.executable, "-c", "from benchmarks.pools.compare import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": str(threads)},
        ) as process:
            lines, answers = process.stdin, process.stdout
            assert lines is not None
            assert answers is not None
            found = Path(json.loads(answers.readline()))
            if found != checkout.resolve():
                raise RuntimeError(f"Expected the package of {checkout} (got that of {found})")

            def ask(turn: Turn) -> Answer:
                print(json.dumps(turn), file=lines, flush=True)
                answer: Answer = json.loads(answers.readline())
                return answer

            yield ask


def compare_row(ask: Sequence[Callable[[Turn], Answer]], turn: Turn, turns: int) -> Answer:
    """Let the old and the new worker take turns; return the median seconds of both."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(turns + 1):
        if sum(seconds[0]) > SLOW_SECONDS:
            break
        for side in (0, 1) if number % 2 else (1, 0):
            # The first turn is a single run, a warm-up.
            answer = ask[side](turn if number else turn._replace(seconds=0.0))
            if not isinstance(answer, list):
                return answer and f"{('old', 'new')[side]}: {answer}"
            seconds[side].extend(answer if number else [])
    return [median(side) for side in seconds]


def table_line(workload: str, row: str, rounds: Sequence[Sequence[float]]) -> list[str]:
    """Lay out the medians of the rounds, and the ratio of new to old."""
    old, new = map(median, zip(*rounds, strict=True))
    return [workload, row, show(1e3 * old), show(1e3 * new), f"{new / old:.2f}"]


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pools.compare",
        description="Time two checkouts of the package against each other.",
    )
    add = parser.add_argument
    add("--against", type=Path, required=True, help="root of the old checkout")
    add("--workloads", nargs="+", choices=WORKLOADS, metavar="NAME",
        default=[name for name in WORKLOADS if name not in QUADRATIC],
        help=f"some of {', '.join(WORKLOADS)}")  # fmt: skip
    add("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME",
        help=f"some of {', '.join(map(repr, ROWS))}")  # fmt: skip
    add("--rounds", type=int, default=3, help="pairs of new processes")
    add(
        "--turns",
        type=int,
        default=8,
        help="turns of each checkout per row and round, fewer of slow rows",
    )
    add("--seconds", type=float, default=0.08, help="time per turn, at least one run")
    add("--threads", type=int, default=torch.get_num_threads())
    add("--output", type=Path, help="markdown file")
    return parser.parse_args()


def main() -> None:
    """Compare the checkouts and print the table."""
    options = parse_options()
    stamp = begin_result(options.output)
    torch.set_num_threads(options.threads)
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    failed: set[str] = set()
    for number in range(options.rounds):
        with ExitStack() as stack:
            workers = [
                stack.enter_context(start_worker(checkout, options.threads))
                for checkout in (options.against, ROOT)
            ]
            for key in product(options.workloads, options.rows):
                print(f"round {number + 1}: {', '.join(key)}", file=sys.stderr, flush=True)
                answer = compare_row(workers, Turn(*key, options.seconds), options.turns)
                if isinstance(answer, list):
                    found[key].append(answer)
                elif answer is not None:
                    failed.add(f"- {', '.join(key)}: {answer}")
    end_result(
        options.output,
        f"{stamp} Old: commit {commit(options.against)}.",
        f'{FEATURES} features, float32; forward and backward, except for the rows "forward".\n'
        f"Median of {options.rounds} rounds; {describe_machine()}",
        format_table("Old against new", HEAD, [table_line(*key, found[key]) for key in found]),
        "\n".join(["Failed:", "", *sorted(failed)]) if failed else None,
    )


if __name__ == "__main__":
    main()
