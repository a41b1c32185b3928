"""Which gradients a pool has."""

import torch
from torch import nn
from torch_geometric.data import Data

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.gradients import assert_gradients_match, gradients_or_zeros
from pyg_grapheme.testing.pooled import run_pool
from pyg_grapheme.testing.specimens import Specimens


def _loses_no_node(pool: nn.Module, specimens: Specimens) -> None:
    data = specimens.sparse
    data.x.requires_grad_()
    out = run_pool(pool, data).x
    (gradient,) = gradients_or_zeros((out * torch.randn_like(out)).sum(), [data.x])
    lost = (gradient == 0).all(1).nonzero().view(-1).tolist()
    expect_that(not lost, f"no gradient reaches nodes {lost} of {data.num_nodes}")


def _gradient_of_x(pool: nn.Module, specimens: Specimens) -> None:
    pool.eval()
    edge_index, batch = specimens.batch.edge_index, specimens.batch.batch
    assert_gradients_match(
        lambda x: run_pool(pool, Data(x=x, edge_index=edge_index, batch=batch)).x,
        [specimens.batch.x],
    )


def _gradient_of_parameters(pool: nn.Module, specimens: Specimens) -> None:
    pool.eval()
    trained = [parameter for parameter in pool.parameters() if parameter.requires_grad]
    if trained:
        assert_gradients_match(lambda *_: run_pool(pool, specimens.batch).x, trained)


def _gradients_are_there(pool: nn.Module, specimens: Specimens) -> None:
    trained = {name: p for name, p in pool.named_parameters() if p.requires_grad}
    for data in (specimens.sparse, specimens.edgeless):
        pool.zero_grad(set_to_none=True)
        out = run_pool(pool, data).x
        if out.requires_grad:
            torch.autograd.backward(out.sum())
        missing = [name for name, parameter in trained.items() if parameter.grad is None]
        reason = f"none for {', '.join(missing)} ({data.edge_index.size(1)} edges)"
        expect_that(not missing, reason)


OF_GRADIENTS = {
    "lets every node reach the output": Check(_loses_no_node),
    "has the gradient in x that central differences have": Check(_gradient_of_x, torch.double),
    "has the gradient in its parameters that central differences have": Check(
        _gradient_of_parameters, torch.double
    ),
    "gives every parameter a gradient, without an edge too": Check(_gradients_are_there),
}
