"""Predictions for a set of examples, and how good they are."""

import sys
from typing import NamedTuple

import torch
from torch_geometric.loader import DataLoader
from torchmetrics.functional.text import char_error_rate

from lightning_modules.module import TransformModule
from pyg_grapheme.data import PairDataset, apply_edits, normalize


class Scores(NamedTuple):
    """How good the predictions for a set of examples are.

    Attributes:
        examples: How many.
        exact_match: Share of predictions equal to the target.
        char_error_rate: Levenshtein distances of code points, over the targets' length; None where
            all targets are empty.
        coarse_share: C/N at the plain threshold, coarse over fine nodes.
    """

    examples: int
    exact_match: float
    char_error_rate: float | None
    coarse_share: float


def predict_examples(
    module: TransformModule, dataset: PairDataset, batch_size: int = 64
) -> tuple[list[str], Scores]:
    """Rewrite the source of each example and compare with its target."""
    predictions: list[str] = []
    coarse = fine = 0
    training = module.training
    module.eval()
    with torch.no_grad():
        for pair in DataLoader(dataset, batch_size=batch_size):
            edits, history = module.net.predict(pair.source.to(module.device))
            predictions += map(apply_edits, edits)
            coarse += history.num_clusters
            fine += history.cluster.numel()
    module.train(training)
    targets = [normalize(example.target, module.net.form) for example in dataset.examples]
    correct = sum(p == t for p, t in zip(predictions, targets, strict=True))
    rate = float(char_error_rate(predictions, targets)) if any(targets) else None
    return predictions, Scores(len(targets), correct / len(targets), rate, coarse / fine)


def print_scores(scores: dict[str, Scores]) -> None:
    """Print a table, one split a line."""
    print(f"{'split':<12} {'examples':>8} {'exact match':>12} {'char. errors':>13} {'C/N':>6}")
    for name, score in scores.items():
        rate = "-" if score.char_error_rate is None else f"{score.char_error_rate:.1%}"
        print(
            f"{name:<12} {score.examples:>8} {score.exact_match:>12.1%} {rate:>13} "
            f"{score.coarse_share:>6.2f}"
        )
    sys.stdout.flush()
