"""Graphs that layers forget about."""

from collections.abc import Callable

import torch
from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.checks.nodes import expect_well_formed
from pyg_grapheme.testing.graphs import degenerate_graphs
from pyg_grapheme.testing.pooled import run_pool
from pyg_grapheme.testing.specimens import Specimens


def _takes(name: str) -> Callable[[nn.Module, Specimens], None]:
    def judge(pool: nn.Module, specimens: Specimens) -> None:
        data = specimens.degenerate[name]
        data.x.requires_grad_()
        out = run_pool(pool, data)
        expect_well_formed(out, 1)
        expect_that(bool(out.x.isfinite().all()), "NaN or infinity comes out")
        if out.x.requires_grad:
            torch.autograd.backward(out.x.sum())
            gradient = torch.zeros_like(data.x) if data.x.grad is None else data.x.grad
            expect_that(bool(gradient.isfinite().all()), "a gradient that is NaN or infinity")

    return judge


OF_INPUT = {f"takes a graph: {name}": Check(_takes(name)) for name in degenerate_graphs()}
