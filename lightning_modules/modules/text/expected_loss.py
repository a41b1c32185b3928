"""The training loss of the text model at any threshold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from pyg_grapheme.text import GraphPair

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


def mean_expected_loss(
    module: "TransformModule", batches: Sequence[GraphPair], raw_threshold: float
) -> float:
    """Return the expected loss per text at a threshold, with all other weights unchanged.

    It uses as many cuts as a training step, since more may not fit in memory; if they are sampled,
    the seed is fixed.
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
