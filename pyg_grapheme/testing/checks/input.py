"""Checks of degenerate graphs."""

from collections.abc import Callable

import torch
from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.checks.nodes import expect_well_formed
from pyg_grapheme.testing.graphs import TestGraphs, degenerate_graphs
from pyg_grapheme.testing.pooled import run_pool


def _accepts(name: str) -> Callable[[nn.Module, TestGraphs], None]:
    def run(pool: nn.Module, graphs: TestGraphs) -> None:
        data = graphs.degenerate[name]
        data.x.requires_grad_()
        out = run_pool(pool, data)
        expect_well_formed(out, 1)
        expect_that(bool(out.x.isfinite().all()), "the output is not finite")
        if out.x.requires_grad:
            torch.autograd.backward(out.x.sum())
            gradient = torch.zeros_like(data.x) if data.x.grad is None else data.x.grad
            expect_that(bool(gradient.isfinite().all()), "a gradient is not finite")

    return run


OF_INPUT = {f"accepts a graph: {name}": Check(_accepts(name)) for name in degenerate_graphs()}
