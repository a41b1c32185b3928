"""Checks of gradients."""

import torch
from torch import nn
from torch_geometric.data import Data

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.gradients import assert_gradients_match, gradients_or_zeros
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import run_pool


def _reaches_every_node(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.sparse
    data.x.requires_grad_()
    out = run_pool(pool, data).x
    (gradient,) = gradients_or_zeros((out * torch.randn_like(out)).sum(), [data.x])
    lost = (gradient == 0).all(1).nonzero().view(-1).tolist()
    expect_that(not lost, f"no gradient reaches nodes {lost} of {data.num_nodes}")


def _gradient_of_x(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    edge_index, batch = graphs.batch.edge_index, graphs.batch.batch
    assert_gradients_match(
        lambda x: run_pool(pool, Data(x=x, edge_index=edge_index, batch=batch)).x,
        [graphs.batch.x],
    )


def _gradient_of_parameters(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    trained = [parameter for parameter in pool.parameters() if parameter.requires_grad]
    if trained:
        assert_gradients_match(lambda *_: run_pool(pool, graphs.batch).x, trained)


def _gradients_exist(pool: nn.Module, graphs: TestGraphs) -> None:
    trained = {name: p for name, p in pool.named_parameters() if p.requires_grad}
    for data in (graphs.sparse, graphs.edgeless):
        pool.zero_grad(set_to_none=True)
        out = run_pool(pool, data).x
        if out.requires_grad:
            torch.autograd.backward(out.sum())
        missing = [name for name, parameter in trained.items() if parameter.grad is None]
        reason = f"none for {', '.join(missing)} ({data.edge_index.size(1)} edges)"
        expect_that(not missing, reason)


OF_GRADIENTS = {
    "passes a gradient to every node": Check(_reaches_every_node),
    "has a correct gradient in x": Check(_gradient_of_x, torch.double),
    "has correct gradients in its parameters": Check(_gradient_of_parameters, torch.double),
    "gives every parameter a gradient, even without edges": Check(_gradients_exist),
}
