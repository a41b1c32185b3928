"""The two phases of training: BCE for all methods, then each method's own loss."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from benchmarks.partitions.tracks.cells import Cell, Setting
from benchmarks.partitions.tracks.scoring import MIN_SIZE
from lightning_modules.datamodules.track_events import (
    EDGE_FEATURES,
    NODE_FEATURES,
    EventOptions,
    TrackEvents,
)
from lightning_modules.modules.partition.edge_net import EdgeNet
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.partition import PartitionLoss


class TrainingOptions(NamedTuple):
    """Sizes of the data, the network and the training; the same for every method.

    Attributes:
        train_events: Events for training.
        tune_events: Events on which cuts are tuned.
        test_events: Events for the scores.
        batch_events: Events per batch.
        width: Hidden features of the network.
        warm_steps: Steps of the first phase.
        steps: Steps of the second phase.
        lr: Learning rate at the start of both phases; it falls to 0 by half a cosine.
        threshold_lr: Learning rate of the threshold; constant.
        temperatures: T of the expected scores at the start and at the end of the second phase; it
            falls by half a cosine. "pairs" keeps the first.
        score_weight: Weight of the expected scores; the other losses have weight 1.
        compiled: Whether ``torch.compile`` makes the network faster.
    """

    train_events: int = 1000
    tune_events: int = 60
    test_events: int = 200
    batch_events: int = 4
    width: int = 32
    warm_steps: int = 3000
    steps: int = 2000
    lr: float = 3e-3
    threshold_lr: float = 1e-2
    temperatures: tuple[float, float] = (4.0, 0.5)
    score_weight: float = 3.0
    compiled: bool = True


class Splits(NamedTuple):
    """Events for training, for tuning cuts, and for the scores."""

    train: TrackEvents
    tune: Data
    test: Data


Loss = Callable[[Data, Tensor, float], Tensor]
"""A loss of a batch, its logits, and the share of the phase that is done."""


def generate_splits(setting: Setting, options: TrainingOptions) -> Splits:
    """Generate the events of a setting; those of one number of tracks and seed are the same."""
    sizes = options.train_events, options.tune_events, options.test_events
    train, tune, test = (
        TrackEvents(size, 3 * setting.seed + split, EventOptions(setting.tracks))
        for split, size in enumerate(sizes)
    )
    return Splits(train, Batch.from_data_list(tune[:]), Batch.from_data_list(test[:]))


def make_net(setting: Setting, options: TrainingOptions) -> EdgeNet:
    """Return the untrained network of a setting."""
    torch.manual_seed(setting.seed)
    net = EdgeNet(NODE_FEATURES, EDGE_FEATURES, options.width, setting.layers)
    if options.compiled:
        net.compile(dynamic=True)
    return net


def is_true_edge(data: Data) -> Tensor:
    """Return whether the two hits of each edge are of one track, [E]."""
    source, target = data.y[data.edge_index]
    return (source == target) & (source >= 0)


def edge_logits(net: EdgeNet, data: Data) -> Tensor:
    """Return the logits of the edges of a batch."""
    logits: Tensor = net(data.x, data.edge_index, data.edge_attr)
    return logits


def edge_loss(name: str, logits: Tensor, is_true: Tensor) -> Tensor:
    """Return the mean of a loss over edges.

    ``"bce_positive"`` and ``"bce_negative"`` give the true or the false edges the fourfold weight;
    ``"focal"`` is the focal loss (Lin et al. 2017) with gamma 2.
    """
    target = is_true.to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if name == "focal":
        weight = (1 - torch.exp(-each)) ** 2
    else:
        heavy = {"bce": target < 0, "bce_positive": is_true, "bce_negative": ~is_true}[name]
        weight = torch.where(heavy, 4.0, 1.0)
    return (weight * each).mean()


def bce(data: Data, logits: Tensor, _: float) -> Tensor:
    """Return the mean of BCE over edges: the loss of the first phase."""
    return edge_loss("bce", logits, is_true_edge(data))


def make_pool(linkage: str) -> ThresholdMergePool:
    """Return the pool that turns logits of edges into a dendrogram, with the threshold at 0.5."""
    return ThresholdMergePool(0.5, logits=True, merge=linkage)


def make_loss(cell: Cell, pool: ThresholdMergePool, options: TrainingOptions) -> Loss:
    """Return the sum of the losses of a cell."""
    if cell.linkage == "edges":
        return lambda data, logits, _: edge_loss(cell.objective, logits, is_true_edge(data))
    names = cell.objective.split("+")
    objectives = {
        name: PartitionLoss(name, unlabelled="other", min_size=MIN_SIZE)
        for name in names
        if name != "bce"
    }
    first, last = options.temperatures

    def loss(data: Data, logits: Tensor, done: float) -> Tensor:
        tree = pool.dendrogram(
            data.x, data.edge_index, None, data.batch, data.num_graphs, edge_score=logits
        )
        temperature = last + (first - last) * half_cosine(done)
        total = (
            edge_loss("bce", logits, is_true_edge(data)) if "bce" in names else logits.new_zeros(())
        )
        for name, objective in objectives.items():
            if name == "pairs":
                total = total + objective(tree._replace(temperature=first), data.y).mean()
            else:
                score = objective(tree._replace(temperature=temperature), data.y).mean()
                total = total + options.score_weight * score
        return total

    return loss


def half_cosine(done: float) -> float:
    """Return a factor that falls from 1 to 0 while the share that is done rises from 0 to 1."""
    return (1 + math.cos(math.pi * done)) / 2


def draw_batches(events: Sequence[Data], size: int, seed: int) -> Iterator[Data]:
    """Yield batches of events without end, shuffled in each epoch."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(events), generator=generator).tolist()
        for start in range(0, len(order) - size + 1, size):
            yield Batch.from_data_list([events[i] for i in order[start : start + size]])


def train(
    net: EdgeNet,
    loss: Loss,
    batches: Iterable[Data],
    steps: int,
    optimizer: torch.optim.Optimizer,
) -> float:
    """Minimise a loss; the learning rate of the first parameters falls to 0 by half a cosine.

    Returns:
        Seconds of process time.
    """
    start = time.process_time()
    constant = [lambda _: 1.0] * (len(optimizer.param_groups) - 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, [lambda step: half_cosine(step / steps), *constant]
    )
    net.train()
    for step, data in zip(range(steps), batches, strict=False):
        optimizer.zero_grad()
        loss(data, edge_logits(net, data), step / steps).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    net.eval()
    return time.process_time() - start


def warm_start(
    net: EdgeNet, setting: Setting, events: Sequence[Data], options: TrainingOptions
) -> float:
    """Train the first phase: BCE over edges.

    Returns:
        Seconds of process time.
    """
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr)
    batches = draw_batches(events, options.batch_events, setting.seed)
    return train(net, bce, batches, options.warm_steps, optimizer)


def train_cell(
    cell: Cell,
    net: EdgeNet,
    pool: ThresholdMergePool,
    events: Sequence[Data],
    options: TrainingOptions,
) -> float:
    """Train the second phase of a cell, from the weights of the first.

    Returns:
        Seconds of process time.
    """
    groups = [{"params": net.parameters()}]
    if cell.linkage != "edges":
        groups.append({"params": [pool.raw_threshold], "lr": options.threshold_lr})
    optimizer = torch.optim.AdamW(groups, lr=options.lr)
    batches = draw_batches(events, options.batch_events, cell.seed + 1000)
    return train(net, make_loss(cell, pool, options), batches, options.steps, optimizer)
