"""check_pool says of a pool what is so, and catches pools that are broken on purpose."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import EdgePooling, TopKPooling

from pyg_grapheme.nn import PoolOutput, ThresholdMergePool
from pyg_grapheme.testing import CHECKS, check_pool, format_results


def failing(pool: nn.Module) -> set[str]:
    return {result.name for result in check_pool(pool, 3) if not result.passed}


@pytest.mark.parametrize("merge", ["components", "matching"])
@pytest.mark.parametrize("estimator", ["none", "gate"])
def test_ours_holds_them_all(estimator: str, merge: str) -> None:
    results = check_pool(ThresholdMergePool(0.5, estimator=estimator, merge=merge), 3)
    assert [result.name for result in results] == list(CHECKS)
    assert [result for result in results if not result.passed] == []


def test_the_biased_estimators_are_found_to_be() -> None:
    """Straight-through's gradient in the threshold is not that of what it computes."""
    assert failing(ThresholdMergePool(0.5, estimator="straight_through")) == {
        "has the gradient in its parameters that central differences have"
    }


def test_what_is_known_of_pyg_s_pools_is_found() -> None:
    assert "lets every node reach the output" in failing(TopKPooling(3))
    assert "keeps the batch sorted" in failing(EdgePooling(3))


class Broken(nn.Module):
    """Ours with something wrong behind it."""

    def __init__(self, damage: Callable[[PoolOutput], Any]) -> None:
        super().__init__()
        self.pool = ThresholdMergePool(0.5)
        self.damage = damage

    def forward(self, x: Tensor, edge_index: Tensor, *, batch: Tensor) -> Any:
        return self.damage(self.pool(x, edge_index, None, batch))


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 1.001


BROKEN = {
    "returns a graph": lambda out: out._replace(edge_index=out.edge_index + 1),
    "keeps the batch sorted": lambda out: (
        out.x.flip(0),
        out.x.size(0) - 1 - out.edge_index,
        None,
        out.batch.flip(0),
    ),
    "keeps at least a node of every graph": lambda out: out._replace(batch=out.batch.clamp(max=1)),
    "treats each graph of a batch as if it were alone": lambda out: out._replace(
        x=out.x - out.x.mean(0)
    ),
    "does not look at the order of the nodes": lambda out: out._replace(
        x=out.x + torch.arange(len(out.x))[:, None]
    ),
    "evaluates alike twice": lambda out: out._replace(x=out.x + 0.1 * torch.randn_like(out.x)),
    "returns no self-loop and no edge twice": lambda out: out._replace(
        edge_index=out.edge_index.repeat(1, 2)
    ),
    "lets every node reach the output": lambda out: out._replace(
        x=out.x * (torch.arange(len(out.x)) > 0)[:, None]
    ),
    "has the gradient in x that central differences have": lambda out: out._replace(
        x=_Bent.apply(out.x)
    ),
    "gives every parameter a gradient, without an edge too": lambda out: out._replace(
        x=out.x.detach().requires_grad_()
    ),
    "keeps the precision of x": lambda out: out._replace(x=out.x.float()),
    "takes a graph: zero features": lambda out: out._replace(x=out.x / out.x.norm()),
    "takes a graph: no nodes": lambda out: out._replace(x=out.x + out.x.max() * 0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    assert name in failing(Broken(BROKEN[name]))


def test_a_pool_that_raises_fails_with_the_reason() -> None:
    def refuse(out: PoolOutput) -> Any:
        raise KeyError("nothing here")

    results = check_pool(Broken(refuse), 3)
    assert not any(result.passed for result in results)
    assert results[0].reason == "KeyError: 'nothing here'"
    assert format_results(results).startswith("FAILS  returns a graph: KeyError: 'nothing here'\n")


def test_the_pool_is_left_as_it_was() -> None:
    pool = ThresholdMergePool(0.5)
    before = pool.raw_threshold.item()
    check_pool(pool, 3)
    assert pool.raw_threshold.item() == before
    assert pool.raw_threshold.dtype == torch.float
    assert pool.raw_threshold.grad is None
    assert pool.training
