"""The loss that a run has been minimising, at any threshold."""

from collections.abc import Sequence

import torch

from lightning_modules.module import TransformModule
from pyg_grapheme.text import GraphPair


def mean_expected_loss(
    module: TransformModule, batches: Sequence[GraphPair], raw_threshold: float
) -> float:
    """Expected loss a text with the threshold set to a value and all else as it is.

    As many merges are worked out as in a step of training, for more may not fit the memory; where
    they are drawn, the draws follow from nothing but a fixed seed.
    """
    raw = module.net.pool.raw_threshold
    kept = raw.detach().clone()
    training = module.training
    module.eval()
    module.loss.train()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        raw.fill_(raw_threshold)
        total = torch.cat([module.loss(module.net, pair).total for pair in batches])
        raw.copy_(kept)
    module.train(training)
    return float(total.double().mean())
