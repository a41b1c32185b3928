"""The structural loss as a distance between molecules, beside published ones.

    python -m benchmarks.ged --output ged.md
    python -m benchmarks.ged --methods default chosen
    python -m benchmarks.ged.search

AIDS700nef under SimGNN's protocol: every test graph ranks all training graphs, and the ranking is
compared with that by the exact graph edit distance. Chosen constants come from
``benchmarks.ged.search``. Learned ones come from pairs of three quarters of the training graphs;
the others are queries that choose among the checks while training. Test graphs are looked at once,
in the end.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from benchmarks.ged.data import GraphSet, read_graph_set, read_matrix
from benchmarks.ged.features import read_features
from benchmarks.ged.model import TransportDistance
from benchmarks.ged.pairs import all_pairs
from benchmarks.ged.pooled import PooledDistance
from benchmarks.ged.protocol import RankingScores, ranking_scores, similarity
from benchmarks.ged.published import ALGORITHMS, NETWORKS
from benchmarks.ged.search import FOLDER
from benchmarks.ged.training import Course, rank, show, split_graphs, train
from benchmarks.ged.untrained import CHOSEN, DEFAULT, Constants, predict
from benchmarks.pools.machine import describe_machine
from benchmarks.pools.tables import format_table

UNTRAINED = {"default": DEFAULT, "chosen": CHOSEN}
TRAINED: dict[str, Callable[[int], TransportDistance]] = {
    "trained": TransportDistance,
    "pooled": PooledDistance,
    # A threshold below all scores, as good as without noise: what merging itself is worth.
    "whole": partial(PooledDistance, threshold=1e-6, noise=1e-7),
}
NAMES = {
    "default": "StructuralLoss, default constants",
    "chosen": "StructuralLoss, constants chosen on training pairs",
    "trained": "learned features, prices and weights",
    "pooled": "the same, merged graphs compared as well",
    "whole": "the same, every graph merged into one node",
}


def untrained(graphs: GraphSet, constants: Constants) -> Tensor:
    """Similarities by the structural loss as it is, [Q, G]."""
    plan = constants.plan
    features = read_features([*graphs.train, *graphs.test], plan.grapheme, plan.activation)
    return all_pairs(partial(predict, constants, features), *_numbers(graphs))


def trained(
    graphs: GraphSet,
    own: Tensor,
    make: Callable[[int], TransportDistance],
    course: Course,
    log: Callable[[str], None],
) -> tuple[Tensor, TransportDistance]:
    """Similarities by a model that is trained here, [Q, G], and the model.

    Args:
        graphs: Graphs.
        own: [G, G], distances between training graphs.
        make: From the number of labels to the model.
        course: How to train.
        log: Told how it goes.
    """
    torch.manual_seed(course.seed)
    features = read_features([*graphs.train, *graphs.test])
    true = similarity(own, graphs.train, graphs.train).float()
    split = split_graphs(len(graphs.train), len(graphs.train) // 4)
    model = train(make(features.label.size(1)), features, true, split, course, log)
    return rank(model, features, *_numbers(graphs)), model


def _numbers(graphs: GraphSet) -> tuple[Tensor, Tensor]:
    """Numbers of the test and of the training graphs among all, training graphs first."""
    count = len(graphs.train)
    return torch.arange(count, count + len(graphs.test)), torch.arange(count)


def line(name: str, scores: Iterable[RankingScores]) -> list[str]:
    """Write a line of the table, the mean over seeds."""
    return [name, *show(RankingScores(*map(mean, zip(*scores, strict=True)))).split()]


def measure(options: argparse.Namespace) -> tuple[list[list[str]], list[str]]:
    """Score the methods asked for: lines of the table, and what else there is to say."""
    graphs, own = read_graph_set(options.data), read_matrix(options.data / "ged_train_train.csv")
    if options.limit is not None:
        graphs, own = limited(graphs, own, options.limit)
    true = similarity(graphs.distance, graphs.test, graphs.train)
    lines, notes = [], []
    for method in options.methods:
        _say(method)
        if method in UNTRAINED:
            scores = [ranking_scores(untrained(graphs, UNTRAINED[method]), true)]
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
    """Leave so many training graphs, and a quarter of that for testing."""
    train, test = graphs.train[:limit], graphs.test[: limit // 4]
    return GraphSet(train, test, graphs.distance[: len(test), :limit]), own[:limit, :limit]


def main() -> None:
    """Score what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ged", description="Rank molecules beside published distances."
    )
    add = parser.add_argument
    add("--data", type=Path, default=FOLDER, help="folder of the graphs and distances")
    add("--methods", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME",
        help=f"some of {', '.join(NAMES)}")  # fmt: skip
    add("--seeds", type=int, nargs="+", default=[0], help="of what is trained")
    add("--steps", type=int, default=Course().steps, help="of training")
    add("--pairs", type=int, default=Course().pairs, help="a step")
    add("--limit", type=int, help="training graphs, for a quick look")
    add("--output", type=Path, help="markdown file")
    options = parser.parse_args()
    lines, notes = measure(options)
    published = [line(name, [scores]) for name, scores in {**ALGORITHMS, **NETWORKS}.items()]
    head = ["", "mse (1e-3)", "rho", "tau", "p@10", "p@20"]
    text = format_table("AIDS700nef: test graphs rank training graphs", head, lines + published)
    text = "\n\n".join([text, "\n".join(notes), f"{describe_machine()}"]) + "\n"
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
