"""check_pool says of a pool what is so, and catches pools that are broken on purpose."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import ASAPooling, EdgePooling, SAGPooling, TopKPooling

from pyg_grapheme.nn import PoolOutput, ThresholdMergePool
from pyg_grapheme.testing import CHECKS, check_pool, format_results


def failing(pool: nn.Module, features: int = 3) -> set[str]:
    return {result.name for result in check_pool(pool, features) if not result.passed}


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
    torch.manual_seed(0)
    keeps_the_best = {
        "returns no self-loop and no edge twice",
        "leaves a connected graph connected",
        "lets every node reach the output",
    }
    assert failing(TopKPooling(3)) == keeps_the_best
    assert failing(SAGPooling(3)) == keeps_the_best
    assert failing(EdgePooling(3)) == {
        "keeps the batch sorted",
        "returns no self-loop and no edge twice",
    }
    assert "keeps the direction of the edges" in failing(ASAPooling(3))


class Broken(nn.Module):
    """Ours with something wrong behind it."""

    def __init__(self, damage: Callable[[PoolOutput], Any]) -> None:
        super().__init__()
        self.pool = ThresholdMergePool(0.5)
        self.damage = damage

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_attr: Tensor | None = None, *, batch: Tensor
    ) -> Any:
        return self.damage(self.pool(x, edge_index, edge_attr, batch))


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 1.001


def with_edges(out: PoolOutput, kept: slice | Tensor) -> PoolOutput:
    """Some of the edges, with their attributes."""
    attr = None if out.edge_attr is None else out.edge_attr[kept]
    return out._replace(edge_index=out.edge_index[:, kept], edge_attr=attr)


def completed(out: PoolOutput) -> PoolOutput:
    """All edges that there can be in a graph."""
    joined = out.batch[:, None] == out.batch
    return out._replace(edge_index=joined.fill_diagonal_(False).nonzero().T, edge_attr=None)


def with_attr(change: Callable[[Tensor], Any]) -> Callable[[PoolOutput], PoolOutput]:
    """Change the attributes, where there are any."""
    return lambda out: (
        out if out.edge_attr is None else out._replace(edge_attr=change(out.edge_attr))
    )


CARRIES = "carries the attributes of the edges, if it takes any"
BROKEN = [
    ("returns a graph", lambda out: out._replace(edge_index=out.edge_index + 1)),
    (
        "keeps the batch sorted",
        lambda out: (
            out.x.flip(0),
            out.x.size(0) - 1 - out.edge_index,
            None,
            out.batch.flip(0),
        ),
    ),
    (
        "keeps at least a node of every graph",
        lambda out: out._replace(batch=out.batch.clamp(max=1)),
    ),
    (
        "treats each graph of a batch as if it were alone",
        lambda out: out._replace(x=out.x - out.x.mean(0)),
    ),
    (
        "treats each graph of a batch as if it were alone",
        lambda out: with_edges(out, out.edge_index[0] < 4),
    ),
    (
        "does not look at the order of the nodes",
        lambda out: out._replace(x=out.x + torch.arange(len(out.x))[:, None]),
    ),
    (
        "does not look at the order of the nodes",
        lambda out: with_edges(out, out.edge_index[0] < out.edge_index[1]),
    ),
    ("evaluates alike twice", lambda out: out._replace(x=out.x + 0.1 * torch.randn_like(out.x))),
    (
        "returns no self-loop and no edge twice",
        lambda out: out._replace(edge_index=out.edge_index.repeat(1, 2)),
    ),
    ("leaves a connected graph connected", lambda out: with_edges(out, slice(0, 0))),
    ("leaves a connected graph connected", lambda out: with_edges(out, slice(2, None))),
    ("returns no more edges than it is given", completed),
    ("keeps the direction of the edges", lambda out: out._replace(edge_index=out[1].flip(0))),
    (
        "keeps the direction of the edges",
        lambda out: out._replace(edge_index=torch.cat([out[1], out[1].flip(0)], 1)),
    ),
    (CARRIES, lambda out: out._replace(edge_attr=None)),
    (CARRIES, with_attr(lambda attr: attr[1:])),
    (CARRIES, with_attr(lambda attr: attr.sum(1))),
    (CARRIES, with_attr(lambda attr: attr.double())),
    (CARRIES, with_attr(lambda attr: attr.detach())),
    (CARRIES, with_attr(lambda attr: attr.flip(0))),
    (
        "does not look at the order of edges with attributes, if it takes any",
        with_attr(lambda attr: attr + torch.rand_like(attr)),
    ),
    (
        "lets every node reach the output",
        lambda out: out._replace(x=out.x * (torch.arange(len(out.x)) > 0)[:, None]),
    ),
    ("lets every node reach the output", lambda out: out._replace(x=out.x.detach())),
    (
        "has the gradient in x that central differences have",
        lambda out: out._replace(x=_Bent.apply(out.x)),
    ),
    (
        "has the gradient in x that central differences have",
        lambda out: out._replace(x=out.x.detach()),
    ),
    (
        "gives every parameter a gradient, without an edge too",
        lambda out: out._replace(x=out.x.detach().requires_grad_()),
    ),
    (
        "gives every parameter a gradient, without an edge too",
        lambda out: out._replace(x=out.x.detach()),
    ),
    ("keeps the precision of x", lambda out: out._replace(x=out.x.float())),
    ("takes a graph: zero features", lambda out: out._replace(x=out.x / out.x.norm())),
    ("takes a graph: no nodes", lambda out: out._replace(x=out.x + out.x.max() * 0)),
]


class FirstEdges(nn.Module):
    """Keeps all nodes, and as many of the edges as there are nodes, in the order they come in."""

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, ...]:
        return x, edge_index[:, : len(x)], batch


class Same(nn.Module):
    """Returns what it takes; with a number of its own, which nobody trains, if asked to."""

    def __init__(self, kind: str = "no number") -> None:
        super().__init__()
        if kind == "buffer":
            self.register_buffer("scale", torch.ones(()))
        else:
            frozen = nn.Parameter(torch.ones(()), requires_grad=False)
            self.scale = frozen if kind == "frozen" else 1

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None, *, batch: Tensor
    ) -> tuple[Tensor | None, ...]:
        return x * self.scale, edge_index, edge_weight, batch


@pytest.mark.parametrize(("name", "damage"), BROKEN)
def test_what_is_broken_is_found(name: str, damage: Callable[[PoolOutput], Any]) -> None:
    assert name in failing(Broken(damage))


def test_edges_that_depend_on_their_order_are_found() -> None:
    assert "does not look at the order of the edges" in failing(FirstEdges())


@pytest.mark.parametrize("kind", ["no number", "buffer", "frozen"])
def test_a_pool_without_parameters_to_train_is_judged_by_the_rest(kind: str) -> None:
    assert failing(Same(kind)) == {"returns no self-loop and no edge twice"}


def test_a_frozen_threshold_is_no_fault() -> None:
    pool = ThresholdMergePool(0.5)
    pool.raw_threshold.requires_grad_(False)
    assert failing(pool) == set()


def test_a_pool_in_float64_is_judged_alike() -> None:
    assert failing(ThresholdMergePool(0.5).double()) == set()


class Devices(nn.Module):
    """Notes where the input is, and gives up."""

    seen: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones((), device="meta"))

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_attr: Tensor | None = None, *, batch: Tensor
    ) -> None:
        given = [x, edge_index, batch] if edge_attr is None else [x, edge_index, edge_attr, batch]
        self.seen.update(tensor.device.type for tensor in given)


def test_the_data_is_where_the_pool_is() -> None:
    check_pool(Devices())
    assert Devices.seen == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_pool_on_a_gpu_is_judged_there() -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    assert failing(Same("buffer").cuda()) == {"returns no self-loop and no edge twice"}
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_the_number_of_features_is_the_pool_s_or_three() -> None:
    assert {r.name for r in check_pool(TopKPooling(5)) if not r.passed} == failing(TopKPooling(3))
    assert all(result.passed for result in check_pool(ThresholdMergePool(0.5)))


@pytest.mark.parametrize("features", [2, 64, 512])
def test_many_features_are_no_fault_of_the_pool(features: int) -> None:
    assert failing(Same(), features) == {"returns no self-loop and no edge twice"}


def test_one_feature_is_refused_for_the_cosines_tie() -> None:
    with pytest.raises(ValueError, match=r"'features' to be an int, at least 2, .* \(got 1\)"):
        check_pool(ThresholdMergePool(0.5), 1)
    with pytest.raises(ValueError, match=r"'features' to be an int, at least 2, .* \(got 1\)"):
        check_pool(TopKPooling(1))


def test_a_class_is_no_pool() -> None:
    with pytest.raises(ValueError, match=r"'pool' to be a torch.nn.Module \(got type\)"):
        check_pool(TopKPooling)


def test_the_caller_s_random_numbers_stay_where_they_were() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_pool(Broken(lambda out: out._replace(x=out.x + torch.randn_like(out.x))), 3)
    assert torch.equal(torch.rand(2), expected)


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
