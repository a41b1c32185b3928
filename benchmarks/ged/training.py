"""Fit a distance to published similarities of pairs of training graphs."""

import copy
import time
from collections.abc import Callable
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.ged.model import TransportDistance
from benchmarks.ged.pairs import all_pairs
from benchmarks.ged.protocol import RankingScores, ranking_scores
from pyg_grapheme.nn.loss import GraphFeatures


class Course(NamedTuple):
    """Options of the training.

    Attributes:
        steps: Steps of AdamW.
        pairs: Pairs per step.
        lr: Highest learning rate of a one-cycle schedule.
        decay: Weight decay.
        every: Steps between checks.
        seed: Seed of the weights and the pairs.
    """

    steps: int = 3000
    pairs: int = 512
    lr: float = 2e-3
    decay: float = 1e-2
    every: int = 500
    seed: int = 0


class Split(NamedTuple):
    """Indices of the graphs for training, and of the queries that select the best check."""

    train: Tensor
    valid: Tensor


def split_graphs(count: int, valid: int, seed: int = 0) -> Split:
    """Hold out random graphs; SimGNN's 60 % and 20 % are 420 and 140 of 560."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return Split(order[valid:].sort().values, order[:valid].sort().values)


def rank(
    model: TransportDistance, graphs: GraphFeatures, queries: Tensor, others: Tensor
) -> Tensor:
    """Predict the similarities of all queries and others, [Q, G]."""
    model.eval()
    found = all_pairs(lambda a, b: torch.exp(-model(graphs, a, b)), queries, others)
    model.train()
    return found


def train(
    model: TransportDistance,
    graphs: GraphFeatures,
    true: Tensor,
    split: Split,
    course: Course,
    log: Callable[[str], None] = print,
) -> TransportDistance:
    """Minimise the squared error of the similarity of random pairs of the graphs trained on.

    Args:
        model: Model from graphs and the indices of pairs to distances [P].
        graphs: G graphs or more.
        true: [G, G], similarities.
        split: Graphs for training, and queries that select the best check.
        course: Options.
        log: Function that receives a line per check.

    Returns:
        The model of the best check, with a running mean of the weights.
    """
    generator = torch.Generator().manual_seed(course.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=course.lr, weight_decay=course.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, course.lr, course.steps)
    mean = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    best, kept, start = float("inf"), copy.deepcopy(model), time.perf_counter()
    errors: list[float] = []
    for step in range(1, course.steps + 1):
        draw = torch.randint(len(split.train), (2, course.pairs), generator=generator)
        first, second = split.train[draw]
        error = model.errors(graphs, first, second, true[first, second]).mean()
        optimizer.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        mean.update_parameters(model)
        errors.append(float(error.detach()) / 2)
        if step % course.every == 0 or step == course.steps:
            scores = validate(mean.module, graphs, true, split)
            spent, error_so_far = time.perf_counter() - start, 1e3 * fmean(errors)
            log(f"{step} {spent:.0f}s {error_so_far:.3f} {show(scores)}")
            errors.clear()
            if scores.mse < best:
                best, kept = scores.mse, copy.deepcopy(mean.module)
    return kept


def validate(
    model: TransportDistance, graphs: GraphFeatures, true: Tensor, split: Split
) -> RankingScores:
    """Score the ranking of the training graphs for the held-out queries."""
    predicted = rank(model, graphs, split.valid, split.train)
    return ranking_scores(predicted, true[split.valid][:, split.train])


def show(scores: RankingScores) -> str:
    """Format scores as the published tables do."""
    return " ".join(f"{value:.3f}" for value in (1e3 * scores.mse, *scores[1:]))
