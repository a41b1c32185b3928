"""What a pool keeps, and what it leaves alone."""

import copy

import torch
from torch import nn
from torch_geometric.data import Data

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.pooled import run_pool
from pyg_grapheme.testing.specimens import Specimens


def _does_not_write(pool: nn.Module, specimens: Specimens) -> None:
    data = specimens.batch
    before = data.clone()
    run_pool(pool, data)
    for key in ("x", "edge_index", "batch"):
        expect_that(torch.equal(data[key], before[key]), f"{key} was changed")


def _keeps_precision(pool: nn.Module, specimens: Specimens) -> None:
    data = specimens.batch
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        other = Data(x=data.x.to(dtype), edge_index=data.edge_index, batch=data.batch)
        found = run_pool(copy.deepcopy(pool).to(dtype), other).x.dtype
        expect_that(found == dtype, f"{found} for {dtype}")


def _comes_back(pool: nn.Module, specimens: Specimens) -> None:
    other = copy.deepcopy(pool).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    other.load_state_dict(pool.state_dict())
    found, expected = run_pool(other, specimens.batch), run_pool(pool.eval(), specimens.batch)
    torch.testing.assert_close(found.x, expected.x)


OF_STATE = {
    "does not write into its input": Check(_does_not_write),
    "keeps the precision of x": Check(_keeps_precision),
    "comes back from its state_dict": Check(_comes_back),
}
