"""check_pool passes correct pools and fails pools that are broken on purpose."""

from collections.abc import Callable
from typing import Any, ClassVar, get_args

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import ASAPooling, EdgePooling, SAGPooling, TopKPooling

from pyg_grapheme.nn import PoolOutput, ThresholdMergePool
from pyg_grapheme.testing import CHECKS, check_pool, format_results
from pyg_grapheme.testing.run_checks import run_checks
from pyg_grapheme.typing import MergeName


def failing(pool: nn.Module, features: int = 3) -> set[str]:
    return {result.name for result in check_pool(pool, features) if not result.passed}


@pytest.mark.parametrize("merge", get_args(MergeName))
def test_threshold_merge_pool_passes_all_checks(merge: str) -> None:
    for estimator in ("none", "gate"):
        results = check_pool(ThresholdMergePool(0.5, estimator=estimator, merge=merge), 3)
        assert [result.name for result in results] == list(CHECKS)
        assert [result for result in results if not result.passed] == [], estimator


def test_a_biased_estimator_fails() -> None:
    """The gradient of straight-through in the threshold is not that of its output."""
    assert failing(ThresholdMergePool(0.5, estimator="straight_through")) == {
        "has correct gradients in its parameters"
    }


def test_known_properties_of_pyg_s_pools() -> None:
    torch.manual_seed(0)
    keeps_the_best = {
        "returns no self-loops and no repeated edges",
        "keeps a connected graph connected",
        "passes a gradient to every node",
    }
    assert failing(TopKPooling(3)) == keeps_the_best
    assert failing(SAGPooling(3)) == keeps_the_best
    assert failing(EdgePooling(3)) == {
        "keeps the batch sorted",
        "returns no self-loops and no repeated edges",
    }
    assert "keeps the direction of the edges" in failing(ASAPooling(3))


class Broken(nn.Module):
    """A correct pool whose output is then damaged."""

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
    """Keep some of the edges, with their attributes."""
    attr = None if out.edge_attr is None else out.edge_attr[kept]
    return out._replace(edge_index=out.edge_index[:, kept], edge_attr=attr)


def completed(out: PoolOutput) -> PoolOutput:
    """Join all nodes of each graph."""
    joined = out.batch[:, None] == out.batch
    return out._replace(edge_index=joined.fill_diagonal_(False).nonzero().T, edge_attr=None)


def with_attr(change: Callable[[Tensor], Any]) -> Callable[[PoolOutput], PoolOutput]:
    """Change the attributes, if there are any."""
    return lambda out: (
        out if out.edge_attr is None else out._replace(edge_attr=change(out.edge_attr))
    )


CARRIES = "carries edge attributes, if it accepts them"
BROKEN: dict[str, list[Callable[[PoolOutput], Any]]] = {
    "returns a graph": [
        lambda out: out._replace(edge_index=out.edge_index + 1),
    ],
    "keeps the batch sorted": [
        lambda out: (
            out.x.flip(0),
            out.x.size(0) - 1 - out.edge_index,
            None,
            out.batch.flip(0),
        ),
    ],
    "keeps at least one node of every graph": [
        lambda out: out._replace(batch=out.batch.clamp(max=1)),
    ],
    "pools each graph of a batch independently": [
        lambda out: out._replace(x=out.x - out.x.mean(0)),
        lambda out: with_edges(out, out.edge_index[0] < 4),
    ],
    "ignores the order of the nodes": [
        lambda out: out._replace(x=out.x + torch.arange(len(out.x))[:, None]),
        lambda out: with_edges(out, out.edge_index[0] < out.edge_index[1]),
    ],
    "is deterministic in eval mode": [
        lambda out: out._replace(x=out.x + 0.1 * torch.randn_like(out.x)),
    ],
    "returns no self-loops and no repeated edges": [
        lambda out: out._replace(edge_index=out.edge_index.repeat(1, 2)),
    ],
    "keeps a connected graph connected": [
        lambda out: with_edges(out, slice(0, 0)),
        lambda out: with_edges(out, slice(2, None)),
    ],
    "returns at most as many edges as the input has": [
        completed,
    ],
    "keeps the direction of the edges": [
        lambda out: out._replace(edge_index=out[1].flip(0)),
        lambda out: out._replace(edge_index=torch.cat([out[1], out[1].flip(0)], 1)),
    ],
    CARRIES: [
        lambda out: out._replace(edge_attr=None),
        with_attr(lambda attr: attr[1:]),
        with_attr(lambda attr: attr.sum(1)),
        with_attr(lambda attr: attr.double()),
        with_attr(lambda attr: attr.detach()),
        with_attr(lambda attr: attr.flip(0)),
    ],
    "ignores the order of edges with attributes, if it accepts them": [
        with_attr(lambda attr: attr + torch.rand_like(attr)),
    ],
    "passes a gradient to every node": [
        lambda out: out._replace(x=out.x * (torch.arange(len(out.x)) > 0)[:, None]),
        lambda out: out._replace(x=out.x.detach()),
    ],
    "has a correct gradient in x": [
        lambda out: out._replace(x=_Bent.apply(out.x)),
        lambda out: out._replace(x=out.x.detach()),
    ],
    "gives every parameter a gradient, even without edges": [
        lambda out: out._replace(x=out.x.detach().requires_grad_()),
        lambda out: out._replace(x=out.x.detach()),
    ],
    "keeps the precision of x": [
        lambda out: out._replace(x=out.x.float()),
    ],
    "accepts a graph: zero features": [
        lambda out: out._replace(x=out.x / out.x.norm()),
    ],
    "accepts a graph: no nodes": [
        lambda out: out._replace(x=out.x + out.x.max() * 0),
    ],
}


class FirstEdges(nn.Module):
    """Keeps all nodes and the first N edges."""

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, ...]:
        return x, edge_index[:, : len(x)], batch


class Same(nn.Module):
    """Returns its input; with a buffer or a frozen parameter on request."""

    def __init__(self, kind: str = "no state") -> None:
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


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pool_fails(name: str) -> None:
    for number, damage in enumerate(BROKEN[name]):
        (result,) = run_checks("pool", Broken(damage), {name: CHECKS[name]}, 3)
        assert not result.passed, number


def test_edges_that_depend_on_their_order_are_found() -> None:
    assert "ignores the order of the edges" in failing(FirstEdges())


def test_a_pool_needs_no_trainable_parameters() -> None:
    for kind in ("no state", "buffer", "frozen"):
        assert failing(Same(kind)) == {"returns no self-loops and no repeated edges"}, kind


def test_a_frozen_threshold_is_no_fault() -> None:
    pool = ThresholdMergePool(0.5)
    pool.raw_threshold.requires_grad_(False)
    assert failing(pool) == set()


def test_a_pool_in_float64_passes() -> None:
    assert failing(ThresholdMergePool(0.5).double()) == set()


class Devices(nn.Module):
    """Records the devices of its input and returns nothing."""

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


@pytest.mark.cuda
def test_a_pool_on_a_gpu_is_checked_there() -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    assert failing(Same("buffer").cuda()) == {"returns no self-loops and no repeated edges"}
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_the_number_of_features_is_the_pool_s_or_three() -> None:
    assert {r.name for r in check_pool(TopKPooling(5)) if not r.passed} == failing(TopKPooling(3))
    assert all(result.passed for result in check_pool(ThresholdMergePool(0.5)))


def test_the_number_of_features_does_not_matter() -> None:
    for features in (2, 64, 512):
        assert failing(Same(), features) == {"returns no self-loops and no repeated edges"}, (
            features
        )


def test_one_feature_is_refused_for_the_cosines_tie() -> None:
    with pytest.raises(ValueError, match=r"'features' to be an int of at least 2, .* \(got 1\)"):
        check_pool(ThresholdMergePool(0.5), 1)
    with pytest.raises(ValueError, match=r"'features' to be an int of at least 2, .* \(got 1\)"):
        check_pool(TopKPooling(1))


def test_a_class_is_no_pool() -> None:
    with pytest.raises(ValueError, match=r"'pool' to be a torch.nn.Module \(got type\)"):
        check_pool(TopKPooling)


def test_the_state_of_random_generators_is_restored() -> None:
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
