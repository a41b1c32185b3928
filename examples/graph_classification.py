"""Classify graphs with GIN and a pooling layer, and compare layers on the same folds.

    python examples/graph_classification.py data/tu/PROTEINS
    python examples/graph_classification.py data/tu/NCI1 --pools none topk ours --folds 3

Convolutions, pool, convolutions, readout, MLP: the networks differ in the pool alone. Each fold is
one training run, tested at the epoch of the best validation result. Nothing is tuned for any pool;
the ratio of TopK, SAG and ASAP is 0.5. ThresholdMergePool adds up features, as EdgePooling does,
because GIN can count. ``ours`` and ``ours_matching`` train by ``forward``, so that the threshold
stays where it begins; ``ours_cuts`` is ``ours`` trained through ``cuts``, a sample of the graphs
that its threshold can lead to. All rows are evaluated by ``forward``. On PROTEINS, ``ours_cuts``
gains nothing: its threshold falls, and it merges more.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
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
"""Build a layer, or none, for a number of channels."""

POOLS: dict[str, Pool] = {
    "none": lambda channels: None,
    "topk": lambda channels: TopKPooling(channels, ratio=0.5),
    "sag": lambda channels: SAGPooling(channels, ratio=0.5),
    "asap": lambda channels: ASAPooling(channels, ratio=0.5),
    "edge": lambda channels: EdgePooling(channels),
    "ours": lambda channels: ThresholdMergePool(reduce="sum"),
    "ours_matching": lambda channels: ThresholdMergePool(merge="matching", reduce="sum"),
    "ours_cuts": lambda channels: ThresholdMergePool(reduce="sum"),
}
MAX_CUTS = {"ours_cuts": 4}
"""Cuts per graph, for the rows that train through them."""

with suppress(ImportError):
    import_module("scipy")  # PyG's ClusterPooling needs it
    POOLS["cluster"] = ClusterPooling


class Classifier(nn.Module):
    """Two GIN layers (Xu et al. 2019), the pool, two more, and a readout of the coarse graph."""

    def __init__(self, features: int, classes: int, pool: nn.Module | None, channels: int) -> None:
        super().__init__()
        self.fine = nn.ModuleList([gin(features, channels), gin(channels, channels)])
        self.pool = pool
        self.coarse = nn.ModuleList([gin(channels, channels), gin(channels, channels)])
        self.head = MLP([2 * channels, channels, classes], dropout=0.5, norm=None)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [B, classes], and the graph [C] of every node after the pool."""
        size = int(batch[-1]) + 1
        x = run(self.fine, x, edge_index)
        if self.pool is not None:
            x, edge_index, batch = pooled(self.pool(x, edge_index, batch=batch))
        return self.read_out(x, edge_index, batch, size), batch

    def expected_loss(
        self, x: Tensor, edge_index: Tensor, batch: Tensor, y: Tensor, max_cuts: int
    ) -> Tensor:
        """Return the expectation of the cross-entropy over the threshold of the pool."""
        x = run(self.fine, x, edge_index)
        cuts = self.pool.cuts(x, edge_index, batch=batch, max_cuts=max_cuts)
        x, edge_index, _, batch, _ = cuts.output
        logits = self.read_out(x, edge_index, batch, cuts.num_cuts)
        return cuts.expectation(F.cross_entropy(logits, y[cuts.graph], reduction="none")).mean()

    def read_out(self, x: Tensor, edge_index: Tensor, batch: Tensor, size: int) -> Tensor:
        """Return logits [size, classes] of coarse graphs."""
        x = run(self.coarse, x.relu(), edge_index).relu()
        readout = torch.cat([global_add_pool(x, batch, size), global_max_pool(x, batch, size)], 1)
        return self.head(readout)


def gin(features: int, channels: int) -> GINConv:
    """Return GIN with a LayerNorm: centred features have cosines of either sign.

    BatchNorm would take its statistics over all cuts.
    """
    mlp = MLP([features, channels, channels], norm=None)
    return GINConv(nn.Sequential(mlp, nn.LayerNorm(channels)))


def run(layers: nn.ModuleList, x: Tensor, edge_index: Tensor) -> Tensor:
    """Apply the layers, with ReLU in between."""
    for i, layer in enumerate(layers):
        x = layer(x if i == 0 else x.relu(), edge_index)
    return x


def pooled(output: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Return x, edge_index and batch of a layer's output; PyG's edge pools return no attributes."""
    x, edge_index, *rest = output
    return x, edge_index, rest[0] if len(output) == 4 else rest[1]


class Trial(NamedTuple):
    """Result of one training run.

    Attributes:
        accuracy: Accuracy on the test graphs, at the epoch of the best validation result.
        ratio: C/N at that epoch, the number of nodes after the pool over that before.
        seconds: CPU time of the training.
        threshold: Final threshold of ThresholdMergePool, or None.
    """

    accuracy: float
    ratio: float
    seconds: float
    threshold: float | None


class Score(NamedTuple):
    """Accuracy, mean cross-entropy and C/N over a set of graphs."""

    accuracy: float
    loss: float
    ratio: float


def train(graphs: GraphSet, fold: Fold, name: str, options: argparse.Namespace) -> Trial:
    """Train on one fold."""
    torch.manual_seed(options.seed)
    pool = POOLS[name](options.channels)
    model = Classifier(graphs.num_features, graphs.num_classes, pool, options.channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr)
    training, validation, test = (
        DataLoader([graphs.graphs[i] for i in part], options.batch_size, shuffle=part is fold.train)
        for part in fold
    )
    start = time.process_time()
    best, tested = None, None
    for _ in range(options.epochs):
        model.train()
        for batch in training:
            optimizer.zero_grad()
            graph = batch.x, batch.edge_index, batch.batch
            if name in MAX_CUTS:
                loss = model.expected_loss(*graph, batch.y, MAX_CUTS[name])
            else:
                loss = F.cross_entropy(model(*graph)[0], batch.y)
            loss.backward()
            optimizer.step()
        score = evaluate(model, validation)
        if best is None or (score.accuracy, -score.loss) > (best.accuracy, -best.loss):
            best, tested = score, evaluate(model, test)
    seconds = time.process_time() - start
    threshold = float(pool.threshold.detach()) if isinstance(pool, ThresholdMergePool) else None
    return Trial(tested.accuracy, tested.ratio, seconds, threshold)


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> Score:
    """Classify all graphs of a loader."""
    model.eval()
    correct = loss = coarse = fine = 0
    for batch in loader:
        logits, graph = model(batch.x, batch.edge_index, batch.batch)
        correct += int((logits.argmax(1) == batch.y).sum())
        loss += float(F.cross_entropy(logits, batch.y, reduction="sum"))
        coarse, fine = coarse + graph.numel(), fine + batch.batch.numel()
    count = len(loader.dataset)
    return Score(correct / count, loss / count, coarse / fine)


def summarise(name: str, trials: Sequence[Trial]) -> str:
    """Format a row of the table: mean and standard deviation over the folds."""
    accuracy = [100 * trial.accuracy for trial in trials]
    ratio = mean(trial.ratio for trial in trials)
    seconds = mean(trial.seconds for trial in trials)
    thresholds = [trial.threshold for trial in trials if trial.threshold is not None]
    threshold = f"{mean(thresholds):.3f}" if thresholds else "-"
    return (
        f"| {name:<13} | {mean(accuracy):5.1f} ± {pstdev(accuracy):4.1f} | {ratio:.2f} "
        f"| {threshold:>9} | {seconds:14.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, one row per layer."""
    parser = argparse.ArgumentParser(description="Compare pooling layers in graph classification.")
    parser.add_argument("path", type=Path, help="folder of a TU set, or a benchmark's .npz")
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=list(POOLS), metavar="NAME",
                        help=f"some of {', '.join(POOLS)}")  # fmt: skip
    parser.add_argument("--folds", type=int, default=10, help="use the first FOLDS folds")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    print(
        "Expect: on PROTEINS, 72 to 74 % in every row, less apart than the folds are. "
        "Time: 15 to 270 s per fold there, the most for 'cluster', on one core."
    )
    graphs = read_graph_set(options.path)
    if not 1 <= options.folds <= len(graphs.folds):
        parser.error(f"Expected '--folds' to be in [1, {len(graphs.folds)}] (got {options.folds})")
    folds = graphs.folds[: options.folds]
    print(f"{options.path.stem}: {len(graphs.graphs)} graphs, {len(folds)} folds\n")
    print("| pool          | accuracy, %  | C/N  | threshold | CPU s per fold |")
    print("| ------------- | ------------ | ---- | --------- | -------------- |")
    for name in options.pools:
        trials = []
        for index, fold in enumerate(folds):
            seeded = argparse.Namespace(**{**vars(options), "seed": options.seed + index})
            trials.append(train(graphs, fold, name, seeded))
        print(summarise(name, trials), flush=True)


if __name__ == "__main__":
    main()
