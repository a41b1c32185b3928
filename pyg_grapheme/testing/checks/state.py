"""Checks of side effects, precision and state."""

import copy

import torch
from torch import nn
from torch_geometric.data import Data

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import run_pool


def _leaves_input_unchanged(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    before = data.clone()
    run_pool(pool, data)
    for key in ("x", "edge_index", "batch"):
        expect_that(torch.equal(data[key], before[key]), f"{key} was changed")


def _keeps_precision(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        other = Data(x=data.x.to(dtype), edge_index=data.edge_index, batch=data.batch)
        found = run_pool(copy.deepcopy(pool).to(dtype), other).x.dtype
        expect_that(found == dtype, f"{found} for {dtype}")


def _restores_its_state(pool: nn.Module, graphs: TestGraphs) -> None:
    other = copy.deepcopy(pool).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    other.load_state_dict(pool.state_dict())
    found, expected = run_pool(other, graphs.batch), run_pool(pool.eval(), graphs.batch)
    torch.testing.assert_close(found.x, expected.x)


OF_STATE = {
    "leaves its input unchanged": Check(_leaves_input_unchanged),
    "keeps the precision of x": Check(_keeps_precision),
    "restores from its state_dict": Check(_restores_its_state),
}
