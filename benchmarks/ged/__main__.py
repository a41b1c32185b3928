"""Distances between small graphs by the structural loss, beside bounds and published ones.

    python -m benchmarks.ged --output ged.md
    python -m benchmarks.ged --methods default chosen
    python -m benchmarks.ged.search

SimGNN's protocol: every test graph ranks all training graphs, and the ranking is compared with that
by the exact graph edit distance. The constants of ``StructuralDistance`` come from
``benchmarks.ged.search``. Learned distances are trained on pairs of three quarters of the training
graphs; the others are the queries that select the best check. The test graphs are used once, at the
end.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from benchmarks.checkout import begin_result, end_result
from benchmarks.data_folder import data_folder
from benchmarks.ged.data import GraphSet, read_graph_set, read_matrix
from benchmarks.ged.features import read_features
from benchmarks.ged.model import TransportDistance
from benchmarks.ged.pairs import all_pairs
from benchmarks.ged.pooled import PooledDistance
from benchmarks.ged.protocol import RankingScores, ranking_scores, similarity
from benchmarks.ged.published import PUBLISHED
from benchmarks.ged.search import FOLDER
from benchmarks.ged.training import Course, rank, show, split_graphs, train
from benchmarks.ged.untrained import DEFAULT, predict
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.tables import format_table
from pyg_grapheme.metrics import graph_edit_distance, weisfeiler_lehman_similarity
from pyg_grapheme.nn import StructuralDistance
from pyg_grapheme.nn.loss import distance_features


def bound(method: str, graphs: GraphSet) -> Tensor:
    """Return similarities by an upper bound of the edit distance, [Q, G]."""
    compare = partial(graph_edit_distance, method=method, label=_label(graphs))
    return similarity(_by_metric(compare, graphs), graphs.test, graphs.train)


def kernel(graphs: GraphSet) -> Tensor:
    """Return Weisfeiler-Lehman similarities, [Q, G]."""
    return _by_metric(partial(weisfeiler_lehman_similarity, label=_label(graphs)), graphs)


def default(graphs: GraphSet) -> Tensor:
    """Return similarities by the structural loss with its default constants, [Q, G]."""
    features = read_features([*graphs.train, *graphs.test])
    return all_pairs(partial(predict, DEFAULT, features), *_indices(graphs))


def chosen(graphs: GraphSet) -> Tensor:
    """Return similarities by ``StructuralDistance``, [Q, G]."""
    both = Batch.from_data_list([*graphs.train, *graphs.test])
    features, _ = distance_features(both, both)
    distance = StructuralDistance()

    def compare(first: Tensor, second: Tensor) -> Tensor:
        return distance.compare(features.take(first), features.take(second)).similarity

    return all_pairs(compare, *_indices(graphs))


def _label(graphs: GraphSet) -> str | None:
    return "label" if "label" in graphs.train[0] else None


def _by_metric(compare: Callable[[Data, Data], Tensor], graphs: GraphSet) -> Tensor:
    others = Batch.from_data_list(graphs.train)
    count = len(graphs.train)
    return torch.stack([compare(Batch.from_data_list([q] * count), others) for q in graphs.test])


UNTRAINED: dict[str, Callable[[GraphSet], Tensor]] = {
    "bipartite": partial(bound, "bipartite"),
    "bp2": partial(bound, "bp2"),
    "kernel": kernel,
    "default": default,
    "chosen": chosen,
}
TRAINED: dict[str, Callable[[int], TransportDistance]] = {
    "trained": TransportDistance,
    "pooled": PooledDistance,
    # A threshold below all scores and almost no noise: merging alone, without a choice.
    "whole": partial(PooledDistance, threshold=1e-6, noise=1e-7),
}
NAMES = {
    "bipartite": "upper bound by an optimal assignment of nodes",
    "bp2": "upper bound by a greedy assignment of nodes (BP2)",
    "kernel": "Weisfeiler-Lehman similarity",
    "default": "StructuralLoss, default constants",
    "chosen": "StructuralDistance, constants chosen on training pairs",
    "trained": "learned features, prices and weights",
    "pooled": "the same, merged graphs compared as well",
    "whole": "the same, every graph merged into one node",
}


def trained(
    graphs: GraphSet,
    own: Tensor,
    make: Callable[[int], TransportDistance],
    course: Course,
    log: Callable[[str], None],
) -> tuple[Tensor, TransportDistance]:
    """Train a model; return its similarities [Q, G], and the model.

    Args:
        graphs: Graphs.
        own: [G, G], distances between training graphs.
        make: Function from the number of labels to the model.
        course: Options of the training.
        log: Function that receives a line per check.
    """
    torch.manual_seed(course.seed)
    features = read_features([*graphs.train, *graphs.test])
    true = similarity(own, graphs.train, graphs.train).float()
    split = split_graphs(len(graphs.train), len(graphs.train) // 4)
    model = train(make(features.label.size(1)), features, true, split, course, log)
    return rank(model, features, *_indices(graphs)), model


def _indices(graphs: GraphSet) -> tuple[Tensor, Tensor]:
    """Return the indices of the test and of the training graphs; the training graphs come first."""
    count = len(graphs.train)
    return torch.arange(count, count + len(graphs.test)), torch.arange(count)


def line(name: str, scores: Iterable[RankingScores]) -> list[str]:
    """Return a line of the table, the mean over seeds."""
    return [name, *show(RankingScores(*map(mean, zip(*scores, strict=True)))).split()]


def measure(options: argparse.Namespace) -> tuple[list[list[str]], list[str]]:
    """Score the chosen methods; return the lines of the table and the notes below it."""
    graphs, own = read_graph_set(options.data), read_matrix(options.data / "ged_train_train.csv")
    if options.limit is not None:
        graphs, own = limited(graphs, own, options.limit)
    true = similarity(graphs.distance, graphs.test, graphs.train)
    lines, notes = [], []
    for method in options.methods:
        _say(method)
        if method in UNTRAINED:
            scores = [ranking_scores(UNTRAINED[method](graphs), true)]
        else:
            scores = []
            for seed in options.seeds:
                course = Course(options.steps, options.pairs, seed=seed)
                found, model = trained(graphs, own, TRAINED[method], course, _say)
                scores.append(ranking_scores(found, true))
                notes.append(
                    f"- {NAMES[method]}, seed {seed}{_shrinkage(model, graphs)}: {show(scores[-1])}"
                )
        lines.append(line(NAMES[method], scores))
        _say(" | ".join(lines[-1]))
    return lines, notes


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _shrinkage(model: TransportDistance, graphs: GraphSet) -> str:
    if not isinstance(model, PooledDistance):
        return ""
    kept = model.shrinkage(read_features([*graphs.train, *graphs.test]))
    return f", threshold {float(model.pool.threshold.detach()):.3f}, C/N {kept:.2f}"


def limited(graphs: GraphSet, own: Tensor, limit: int) -> tuple[GraphSet, Tensor]:
    """Return the first training graphs, and a quarter as many test graphs."""
    train, test = graphs.train[:limit], graphs.test[: limit // 4]
    return GraphSet(train, test, graphs.distance[: len(test), :limit]), own[:limit, :limit]


def main() -> None:
    """Run the command line and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ged",
        description="Rank small graphs by distances, beside published ones.",
    )
    add = parser.add_argument
    add("--data", type=data_folder, default=FOLDER, help="folder of the graphs and distances")
    add("--methods", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME",
        help=f"some of {', '.join(NAMES)}")  # fmt: skip
    add("--seeds", type=int, nargs="+", default=[0], help="seeds of the trained methods")
    add("--steps", type=int, default=Course().steps, help="steps of training")
    add("--pairs", type=int, default=Course().pairs, help="pairs per step")
    add("--limit", type=int, help="number of training graphs, for a quick run")
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    stamp = begin_result(options.output)
    lines, notes = measure(options)
    name = options.data.name
    published = [line(who, [scores]) for who, scores in PUBLISHED.get(name, {}).items()]
    head = ["", "mse (1e-3)", "rho", "tau", "p@10", "p@20"]
    table = format_table(f"{name}: test graphs rank training graphs", head, lines + published)
    end_result(options.output, stamp, table, "\n".join(notes), describe_machine())


if __name__ == "__main__":
    main()
