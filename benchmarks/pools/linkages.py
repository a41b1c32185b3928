"""Time the trees of average and complete linkage beside scikit-learn, on the same sparse graphs.

    python -m benchmarks.pools.linkages --output linkages.md
    python -m benchmarks.pools.linkages --workloads chain_1e4 --seconds 0.5

Both build the full tree, from the cosines on: ours by ``dendrogram``, without autograd, theirs by
``AgglomerativeClustering(connectivity=...)``. The cost alone is compared, as the trees differ: for
the average, scikit-learn weights the distances of two merged clusters to a third by the sizes of
the two, ours by their numbers of pairs; and scikit-learn first joins the components of a graph.
"""

import argparse
import gc
import warnings
from functools import partial
from pathlib import Path
from unittest import mock

import torch
from torch_geometric.utils import to_scipy_sparse_matrix

from benchmarks.checkout import begin_result, end_result
from benchmarks.pools.compare import Step, time_step
from benchmarks.pools.features import FEATURES
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.measure import Cell, prepare
from benchmarks.pools.tables import format_table, show
from benchmarks.pools.workloads import WORKLOADS, Workload, build_workload
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import edge_pairs
from pyg_grapheme.nn.pool.clustering import agglomerate
from pyg_grapheme.nn.pool.dendrogram import spanning_forest

LINKAGES = ("average", "complete")
ROUNDS_HEAD = [
    "",
    "pairs",
    "components: rounds",
    "average: rounds",
    "links left",
    "complete: rounds",
    "links left",
]
HEAD = ["", "linkage", "ours, ms", "scikit-learn, ms", "scikit-learn / ours"]


def our_step(work: Workload, linkage: str) -> Step:
    """Return a step that builds the dendrogram."""
    pool = ThresholdMergePool(work.threshold, merge=linkage)
    return torch.no_grad()(partial(pool.dendrogram, work.x, work.edge_index, batch=work.batch))


def peer_step(work: Workload, linkage: str) -> Step:
    """Return a step that builds the tree of scikit-learn."""
    from sklearn.cluster import AgglomerativeClustering

    clustering = AgglomerativeClustering(
        n_clusters=1,
        metric="cosine",
        connectivity=to_scipy_sparse_matrix(work.edge_index, num_nodes=work.batch.numel()).tocsr(),
        compute_full_tree=True,
        compute_distances=True,
        linkage=linkage,
    )
    return partial(clustering.fit, work.x.detach().numpy())


def compare_linkage(work: Workload, name: str, linkage: str, seconds: float) -> list[str]:
    """Time both on a workload, each for some seconds; return a line of the table."""
    steps = our_step(work, linkage), peer_step(work, linkage)
    ours, theirs = (Cell(time_step(step, seconds)).median for step in steps)
    assert ours is not None
    assert theirs is not None
    return [name, linkage, show(1e3 * ours), show(1e3 * theirs), show(theirs / ours)]


def count_rounds(work: Workload, name: str) -> list[str]:
    """Count the rounds of each tree, and the links that are left to the heap: a line."""
    line = [name, f"{edge_pairs(work.edge_index, work.batch.numel()).size(1):,}"]
    with mock.patch.object(spanning_forest, "Round", wraps=spanning_forest.Round) as rounds:
        our_step(work, "components")()
    line.append(str(rounds.call_count))
    for linkage in LINKAGES:
        with (
            mock.patch.object(
                agglomerate, "_merge_mutual", wraps=agglomerate._merge_mutual
            ) as turns,
            mock.patch.object(
                agglomerate, "_merge_in_order", wraps=agglomerate._merge_in_order
            ) as heap,
        ):
            our_step(work, linkage)()
        left = heap.call_args.args[0].first.numel() if heap.called else 0
        line += [str(turns.call_count), f"{left:,}"]
    return line


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pools.linkages",
        description="Time the trees of two linkages beside scikit-learn.",
    )
    add = parser.add_argument
    add("--workloads", nargs="+", choices=WORKLOADS, metavar="NAME",
        default=["random_1e4", "chain_1e4", "grid_1e4", "complete_300"],
        help=f"some of {', '.join(WORKLOADS)}; scikit-learn needs minutes at a hub")  # fmt: skip
    add("--rounds", nargs="*", choices=WORKLOADS, metavar="NAME", help="count the rounds of these",
        default=["molecules", "words_bothways", "chain_1e4_falling", "star_1e4", "grid_1e4",
                 "random_1e4", "random_1e5", "complete_300"])  # fmt: skip
    add("--seconds", type=float, default=10.0, help="time of each, at least one run")
    add("--threads", type=int, default=torch.get_num_threads())
    add("--output", type=Path, help="markdown file")
    return parser.parse_args()


def main() -> None:
    """Compare on what the command line asks for and print the table."""
    options = parse_options()
    stamp = begin_result(options.output)
    prepare(options.threads)
    warnings.filterwarnings("ignore", "the number of connected components")
    gc.disable()  # Garbage is collected before the runs of each.
    lines = []
    for name in options.workloads:
        work = build_workload(name, above=0.5)
        lines += [compare_linkage(work, name, each, options.seconds) for each in LINKAGES]
    rounds = [count_rounds(build_workload(name, above=0.5), name) for name in options.rounds]
    end_result(
        options.output,
        stamp,
        f"{FEATURES} features, float32, the full tree of each graph, without backward;\n"
        f"medians; {describe_machine()}",
        "Only the cost is compared, as the trees differ: scikit-learn weights a mean by the sizes\n"
        "of the clusters, ours by their numbers of pairs; it also joins the components of a graph.",
        format_table("Average and complete linkage over sparse pairs", HEAD, lines),
        "Rounds that merge many clusters at once; what they leave is merged one by one.",
        format_table("Rounds", ROUNDS_HEAD, rounds),
    )


if __name__ == "__main__":
    main()
