"""Train a score of pairs for a partition: which records are of one person.

    python examples/partition.py

A record has a few features of its person, with noise, and some that say nothing. The usual way
trains the score by binary cross-entropy (BCE), and joins all pairs above the best threshold of
labelled graphs. The recipe starts with BCE, then adds the likelihood of all pairs that meet in the
dendrogram, and the reported score, while the temperature falls from 1 to 0.3. The threshold is
learned along and needs no scan.
"""

import argparse
from collections.abc import Sequence
from copy import deepcopy

import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.metrics import clustering_score
from pyg_grapheme.nn import (
    PairScorer,
    PartitionLoss,
    ThresholdMergePool,
    best_threshold,
    pair_bce,
)

SCORE = "bcubed"
FEATURES = 12


def draw_graph(persons: int = 6, records: int = 20, noise: float = 0.3) -> Data:
    """Draw records x [N, F] and the person y [N] of each; every pair is a candidate."""
    y = torch.randint(persons, (records,))
    x = torch.randn(records, FEATURES)
    x[:, :4] = torch.randn(persons, 4)[y] + noise * x[:, :4]
    return Data(x=x, y=y, edge_index=torch.empty(2, 0, dtype=torch.long))


def make_pool(merge: str, scorer: PairScorer) -> ThresholdMergePool:
    """Return a pool that joins any two records."""
    return ThresholdMergePool(0.5, score=scorer, logits=True, candidates="all", merge=merge)


def train(
    pool: ThresholdMergePool,
    objectives: Sequence[PartitionLoss],
    graphs: Sequence[Data],
    steps: int,
    lr: float,
) -> None:
    """Minimise BCE and the objectives, while the temperature falls from 1 to 0.3."""
    optimizer = torch.optim.Adam(pool.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        pool.temperature = 1 - 0.7 * step / steps
        chosen = torch.randperm(len(graphs))[:4].tolist()
        batch = Batch.from_data_list([graphs[i] for i in chosen])
        graph = batch.x, batch.edge_index, None, batch.batch
        loss = pair_bce(pool, *graph, y=batch.y)
        if objectives:
            tree = pool.dendrogram(*graph)
            loss = loss + sum(objective(tree, batch.y).mean() for objective in objectives)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def score(pool: ThresholdMergePool, graphs: Data, tuning: Data | None = None) -> float:
    """Return the mean score of graphs, at the best threshold of others or at the learned one."""
    threshold = None
    if tuning is not None:
        tuned = pool.dendrogram(tuning.x, tuning.edge_index, None, tuning.batch)
        threshold = best_threshold(tuned, tuning.y, SCORE).threshold
    tree = pool.dendrogram(graphs.x, graphs.edge_index, None, graphs.batch)
    cluster = tree.cut(threshold)
    return float(clustering_score(cluster, graphs.y, SCORE, batch=graphs.batch).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both ways for equally many steps, and print their scores on other graphs."""
    parser = argparse.ArgumentParser(description="Train a score of pairs for a partition.")
    parser.add_argument("--graphs", type=int, default=200, help="graphs to train on")
    parser.add_argument("--steps", type=int, default=150, help="steps of each phase")
    options = parser.parse_args(arguments)
    print("Expect: a B-cubed of 0.87, 0.92 and 0.93. Time: 7 s on one core.")
    torch.manual_seed(0)
    graphs = [draw_graph() for _ in range(options.graphs)]
    tuning, test = (Batch.from_data_list([draw_graph() for _ in range(40)]) for _ in range(2))

    ours = make_pool("average", PairScorer(FEATURES))
    train(ours, [], graphs, options.steps, lr=1e-2)
    bce = make_pool("components", deepcopy(ours.score))
    train(bce, [], graphs, options.steps, lr=3e-3)
    train(ours, [PartitionLoss("pairs"), PartitionLoss(SCORE)], graphs, options.steps, lr=3e-3)

    average = make_pool("average", bce.score)
    print(f"BCE, components, scanned threshold: {score(bce, test, tuning):.3f}")
    print(f"BCE, average linkage, scanned threshold: {score(average, test, tuning):.3f}")
    print(f"partition, average linkage, learned threshold: {score(ours, test):.3f}")


if __name__ == "__main__":
    main()
