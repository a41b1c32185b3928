"""Time all scores of all cuts of a dendrogram beside the dendrogram, in process time of one thread.

    python -m benchmarks.partitions.scores --output scores.md
    python -m benchmarks.partitions.scores --nodes 1000 --seconds 0.5

Random graphs with three candidate pairs per node, and paths, scored at random; a label has ten
nodes on average. The tree is ``pool.dendrogram`` from the scores on, without autograd. The scores
are all of ``METRICS``, from one pass over the merges.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import torch

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import prepare
from benchmarks.pools.tables import format_table, show
from pyg_grapheme.metrics import METRICS
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.partition import partition_sums
from pyg_grapheme.nn.pool import Dendrogram

CASES = (("random", "components"), ("random", "average"), ("path", "components"))
"""Graphs and linkages; in a path, all linkages are the same."""

HEAD = ["graph", "linkage", "nodes", "merges", "tree, ms", "scores, ms", "scores / tree", "both, s"]


@torch.no_grad()
def build_tree(
    linkage: str, pairs: torch.Tensor, score: torch.Tensor, num_nodes: int
) -> Dendrogram:
    """Return the dendrogram of one graph."""
    pool = ThresholdMergePool(merge=linkage)
    return pool.dendrogram(torch.zeros(num_nodes, 1), pairs, edge_score=score)


def score_cuts(tree: Dendrogram, y: torch.Tensor) -> list[torch.Tensor]:
    """Return all scores of all cuts."""
    sums = partition_sums(tree, y, min_size=3)
    return [score(sums) for score in METRICS.values()]


def time_steps(steps: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Return the median process time of each step; they alternate until the time is over."""
    taken: list[list[float]] = [[] for _ in steps]
    end = time.process_time() + seconds
    while not taken[0] or time.process_time() < end:
        for times, step in zip(taken, steps, strict=True):
            start = time.process_time()
            step()
            times.append(time.process_time() - start)
    return [median(times) for times in taken]


def measure(graph: str, linkage: str, num_nodes: int, seconds: float) -> list[str]:
    """Time tree and scores for some seconds; return a line of the table."""
    generator = torch.Generator().manual_seed(0)
    if graph == "path":
        pairs = torch.arange(num_nodes).unfold(0, 2, 1).T
    else:
        pairs = torch.randint(num_nodes, (2, 3 * num_nodes), generator=generator)
    score = torch.rand(pairs.size(1), generator=generator)
    y = torch.randint(max(1, num_nodes // 10), (num_nodes,), generator=generator)
    build = partial(build_tree, linkage, pairs, score, num_nodes)
    tree = build()
    of_tree, of_scores = time_steps((build, partial(score_cuts, tree, y)), seconds)
    return [
        graph,
        linkage,
        f"{num_nodes:,}",
        f"{tree.step.numel():,}",
        show(1e3 * of_tree),
        show(1e3 * of_scores),
        show(of_scores / of_tree),
        show(of_tree + of_scores),
    ]


def main() -> None:
    """Measure what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.partitions.scores",
        description="Time all scores of all cuts beside the tree.",
    )
    add = parser.add_argument
    add("--nodes", type=int, nargs="+", default=[10**n for n in range(3, 7)])
    add("--seconds", type=float, default=10.0, help="time of each line, at least one run")
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    stamp = begin_result(options.output)
    prepare(threads=1)
    lines = [measure(*case, n, options.seconds) for n in options.nodes for case in CASES]
    table = format_table("All scores of all cuts", HEAD, lines)
    end_result(options.output, stamp, describe_machine(), table)


if __name__ == "__main__":
    main()
