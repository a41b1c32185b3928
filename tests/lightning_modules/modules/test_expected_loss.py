"""The expected loss in the summary of a run."""

import pytest
import torch
from torch_geometric.loader import DataLoader

from lightning_modules import TransformModule
from lightning_modules.modules.text.expected_loss import mean_expected_loss
from pyg_grapheme.text import Example, PairDataset, Vocabulary


def test_no_more_merges_are_worked_out_than_in_training() -> None:
    """Of long texts all of them would not fit the memory."""
    torch.manual_seed(0)
    texts = [Example("walk along", "walked along"), Example("go", "went")]
    module = TransformModule(
        ["e", "d"], channels=8, layers=1, max_cuts=2, pool={"temperature": 1.0}
    )
    pairs = list(DataLoader(PairDataset(texts, Vocabulary(["e", "d"])), batch_size=2))
    seen: list[int] = []
    module.net.decoder.register_forward_pre_hook(lambda _, rows: seen.append(len(rows[0].x)))
    state = torch.get_rng_state()
    drawn = [mean_expected_loss(module, pairs, 1.0) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert torch.equal(torch.get_rng_state(), state)
    assert module.training
    assert module.loss.training
    module.loss.max_cuts = None
    exact = mean_expected_loss(module, pairs, 1.0)
    assert seen[0] < seen[2]
    assert drawn[0] == pytest.approx(exact, rel=0.5)
