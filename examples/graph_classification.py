"""Classify graphs with GIN and a pooling layer, and compare layers on the same folds.

    python examples/graph_classification.py data/tu/PROTEINS
    python examples/graph_classification.py data/tu/NCI1 --pools none topk ours --folds 3

MP - Pool - MP - readout - MLP, the same for every layer but for the layer. On each fold the
network is trained once; the epoch that does best on the fold's validation graphs is the one that is
tested. Nothing is tuned for any layer: each runs at its defaults, the ratio of TopK, SAG and ASAP
being a half. Ours adds members up, as EdgePooling does, for GIN can count. It comes in both ways of
merging: on graphs of many edges a node, what links up transitively is soon the whole graph, and
``merge="matching"`` is the one to take.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, pstdev
from typing import Any, NamedTuple

import torch
from graph_sets import Fold, GraphSet, read_graph_set
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    MLP,
    ASAPooling,
    ClusterPooling,
    EdgePooling,
    GINConv,
    SAGPooling,
    TopKPooling,
    global_add_pool,
    global_max_pool,
)

from pyg_grapheme.nn import ThresholdMergePool

Pool = Callable[[int], nn.Module | None]
"""From the number of channels to a layer, or to none."""

POOLS: dict[str, Pool] = {
    "none": lambda channels: None,
    "topk": lambda channels: TopKPooling(channels, ratio=0.5),
    "sag": lambda channels: SAGPooling(channels, ratio=0.5),
    "asap": lambda channels: ASAPooling(channels, ratio=0.5),
    "edge": lambda channels: EdgePooling(channels),
    "cluster": lambda channels: ClusterPooling(channels),
    "ours": lambda channels: ThresholdMergePool(reduce="sum"),
    "ours_matching": lambda channels: ThresholdMergePool(merge="matching", reduce="sum"),
}


class Classifier(nn.Module):
    """Two GIN layers (Xu et al. 2019), the pool, two more, and a readout of the coarse graph."""

    def __init__(self, features: int, classes: int, pool: nn.Module | None, channels: int) -> None:
        super().__init__()
        self.fine = nn.ModuleList([gin(features, channels), gin(channels, channels)])
        self.pool = pool
        self.coarse = nn.ModuleList([gin(channels, channels), gin(channels, channels)])
        self.head = MLP([2 * channels, channels, classes], dropout=0.5, norm=None)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, classes], and the graph [C] of every node behind the pool."""
        size = int(batch[-1]) + 1
        x = run(self.fine, x, edge_index)
        if self.pool is not None:
            x, edge_index, batch = pooled(self.pool(x, edge_index, batch=batch))
        x = run(self.coarse, x.relu(), edge_index).relu()
        readout = torch.cat([global_add_pool(x, batch, size), global_max_pool(x, batch, size)], 1)
        return self.head(readout), batch


def gin(features: int, channels: int) -> GINConv:
    """GIN with a normalised output; what is normalised has cosines of either sign."""
    return GINConv(nn.Sequential(MLP([features, channels, channels]), nn.BatchNorm1d(channels)))


def run(layers: nn.ModuleList, x: Tensor, edge_index: Tensor) -> Tensor:
    """Apply the layers, with an activation between two."""
    for i, layer in enumerate(layers):
        x = layer(x if i == 0 else x.relu(), edge_index)
    return x


def pooled(output: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Features, edges and graphs of what a layer returns; PyG's edge poolings drop attributes."""
    x, edge_index, *rest = output
    return x, edge_index, rest[0] if len(output) == 4 else rest[1]


class Trial(NamedTuple):
    """How one training went.

    Attributes:
        accuracy: Share of the test graphs, at the epoch that did best on the validation graphs.
        ratio: C/N there, nodes behind over nodes before the pool.
        seconds: Of the whole training.
        threshold: Where ours ended, or None.
    """

    accuracy: float
    ratio: float
    seconds: float
    threshold: float | None


class Score(NamedTuple):
    """Accuracy, mean cross-entropy and C/N of a set of graphs."""

    accuracy: float
    loss: float
    ratio: float


def train(graphs: GraphSet, fold: Fold, build: Pool, options: argparse.Namespace) -> Trial:
    """Train on one fold."""
    torch.manual_seed(options.seed)
    pool = build(options.channels)
    model = Classifier(graphs.num_features, graphs.num_classes, pool, options.channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr)
    training, validation, test = (
        DataLoader([graphs.graphs[i] for i in part], options.batch_size, shuffle=part is fold.train)
        for part in fold
    )
    start = time.perf_counter()
    best, tested = None, None
    for _ in range(options.epochs):
        model.train()
        for batch in training:
            optimizer.zero_grad()
            logits, _ = model(batch.x, batch.edge_index, batch.batch)
            F.cross_entropy(logits, batch.y).backward()
            optimizer.step()
        score = evaluate(model, validation)
        if best is None or (score.accuracy, -score.loss) > (best.accuracy, -best.loss):
            best, tested = score, evaluate(model, test)
    seconds = time.perf_counter() - start
    threshold = float(pool.threshold.detach()) if isinstance(pool, ThresholdMergePool) else None
    return Trial(tested.accuracy, tested.ratio, seconds, threshold)


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> Score:
    """Classify all graphs of a loader."""
    model.eval()
    correct = loss = coarse = fine = 0
    for batch in loader:
        logits, owner = model(batch.x, batch.edge_index, batch.batch)
        correct += int((logits.argmax(1) == batch.y).sum())
        loss += float(F.cross_entropy(logits, batch.y, reduction="sum"))
        coarse, fine = coarse + owner.numel(), fine + batch.batch.numel()
    count = len(loader.dataset)
    return Score(correct / count, loss / count, coarse / fine)


def summarise(name: str, trials: Sequence[Trial]) -> str:
    """Write a line of the table: mean and deviation over the folds."""
    accuracy = [100 * trial.accuracy for trial in trials]
    ratio = mean(trial.ratio for trial in trials)
    seconds = mean(trial.seconds for trial in trials)
    thresholds = [trial.threshold for trial in trials if trial.threshold is not None]
    threshold = f"{mean(thresholds):.3f}" if thresholds else "-"
    return (
        f"| {name:<13} | {mean(accuracy):5.1f} ± {pstdev(accuracy):4.1f} | {ratio:.2f} "
        f"| {threshold:>9} | {seconds:9.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, one layer a line."""
    parser = argparse.ArgumentParser(description="Compare pooling layers in graph classification.")
    parser.add_argument("path", type=Path, help="folder of a TU set, or a benchmark's .npz")
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=list(POOLS), metavar="NAME",
                        help=f"some of {', '.join(POOLS)}")  # fmt: skip
    parser.add_argument("--folds", type=int, default=10, help="the first so many")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    graphs = read_graph_set(options.path)
    if not 1 <= options.folds <= len(graphs.folds):
        parser.error(f"Expected '--folds' to be in [1, {len(graphs.folds)}] (got {options.folds})")
    folds = graphs.folds[: options.folds]
    print(f"{options.path.stem}: {len(graphs.graphs)} graphs, {len(folds)} folds\n")
    print("| pool          | accuracy, %  | C/N  | threshold | s a fold  |")
    print("| ------------- | ------------ | ---- | --------- | --------- |")
    for name in options.pools:
        trials = []
        for number, fold in enumerate(folds):
            seeded = argparse.Namespace(**{**vars(options), "seed": options.seed + number})
            trials.append(train(graphs, fold, POOLS[name], seeded))
        print(summarise(name, trials), flush=True)


if __name__ == "__main__":
    main()
