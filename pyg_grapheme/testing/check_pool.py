"""A list of checks that any PyG-style pool can be put through."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from pyg_grapheme.testing.gradients import assert_gradients_match
from pyg_grapheme.testing.graphs import degenerate_graphs, tie_free_batch, tie_free_graph


class CheckResult(NamedTuple):
    """How a check went.

    Attributes:
        name: What was checked.
        passed: Whether it holds.
        reason: Why it does not, in a line; empty where it does.
    """

    name: str
    passed: bool
    reason: str


class Pooled(NamedTuple):
    """What all pools return, in one shape or another."""

    x: Tensor
    edge_index: Tensor
    batch: Tensor


Check = Callable[[nn.Module, int], None]
CHECKS: dict[str, Check] = {}
"""Name -> check, called with the pool and its number of features."""


def check_pool(pool: nn.Module, features: int) -> list[CheckResult]:
    """Put a pool through all checks, each on a copy of its own.

    Args:
        pool: Called as ``pool(x, edge_index, batch=batch)``. Returns a tuple that begins with x and
            edge_index, in which the first integer vector after these is the batch, as PyG's pools
            do; or something with ``x``, ``edge_index`` and ``batch``.
        features: Of the nodes that it takes.

    Returns:
        One result a check, in the order of ``CHECKS``; none of them raises.
    """
    results = []
    for name, check in CHECKS.items():
        torch.manual_seed(0)
        try:
            check(copy.deepcopy(pool), features)
        except Exception as error:  # whatever a stranger's pool stumbles on is its result
            reason = " ".join(str(error).split()) or type(error).__name__
            prefix = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            results.append(CheckResult(name, False, prefix + reason))
        else:
            results.append(CheckResult(name, True, ""))
    return results


def format_results(results: list[CheckResult]) -> str:
    """Write results down, one a line."""
    return "\n".join(
        f"{'holds' if r.passed else 'FAILS'}  {r.name}{': ' + r.reason[:90] if r.reason else ''}"
        for r in results
    )


def _check(name: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def _run(pool: nn.Module, data: Data) -> Pooled:
    batch = data.batch
    if batch is None:
        batch = torch.zeros(data.num_nodes, dtype=torch.long)
    output: Any = pool(data.x.to(_dtype(pool)), data.edge_index, batch=batch)
    if hasattr(output, "edge_index"):
        return Pooled(output.x, output.edge_index, output.batch)
    x, edge_index, *rest = output
    integers = [t for t in rest if isinstance(t, Tensor) and t.dtype == torch.long and t.dim() == 1]
    assert integers, "no batch among what is returned"
    return Pooled(x, edge_index, integers[0])


def _dtype(pool: nn.Module) -> torch.dtype:
    return next((parameter.dtype for parameter in pool.parameters()), torch.float)


def _batch(features: int) -> Batch:
    return tie_free_batch((6, 1, 5), features=features)


def _rows(x: Tensor) -> Tensor:
    """Rows in an order that depends on their numbers alone."""
    order = torch.arange(len(x))
    for column in reversed(x.detach().double().round(decimals=4).unbind(1)):
        order = order[column[order].argsort(stable=True)]
    return x[order]


def _assert_well_formed(out: Pooled, num_graphs: int) -> None:
    size = out.x.size(0)
    assert out.batch.shape == (size,), f"batch {tuple(out.batch.shape)} for {size} nodes"
    assert out.edge_index.dim() == 2, f"edge_index has {out.edge_index.dim()} dimensions"
    if out.edge_index.numel():
        low, high = int(out.edge_index.min()), int(out.edge_index.max())
        assert low >= 0, f"edge to node {low}"
        assert high < size, f"edge to node {high} of {size}"
        ends = out.batch[out.edge_index]
        assert torch.equal(ends[0], ends[1]), "an edge joins two graphs"
    if size:
        assert int(out.batch.max()) < num_graphs, "a graph that was not there"


@_check("returns a graph")
def _returns_a_graph(pool: nn.Module, features: int) -> None:
    data = _batch(features)
    _assert_well_formed(_run(pool, data), data.num_graphs)


@_check("keeps the batch sorted")
def _keeps_the_batch_sorted(pool: nn.Module, features: int) -> None:
    batch = _run(pool, _batch(features)).batch
    assert bool((batch.diff() >= 0).all()), f"batch {batch.tolist()}"


@_check("keeps at least a node of every graph")
def _keeps_every_graph(pool: nn.Module, features: int) -> None:
    data = _batch(features)
    found = sorted(set(_run(pool, data).batch.tolist()))
    assert found == list(range(data.num_graphs)), f"graphs {found} of {data.num_graphs}"


@_check("treats each graph of a batch as if it were alone")
def _does_not_mix_graphs(pool: nn.Module, features: int) -> None:
    pool.eval()
    data = _batch(features)
    out = _run(pool, data)
    for number, graph in enumerate(data.to_data_list()):
        alone = _rows(_run(pool, graph).x)
        torch.testing.assert_close(_rows(out.x[out.batch == number]), alone)


@_check("does not look at the order of the edges")
def _ignores_the_order_of_edges(pool: nn.Module, features: int) -> None:
    pool.eval()
    data = _batch(features)
    expected = _rows(_run(pool, data).x)
    data.edge_index = data.edge_index[:, torch.randperm(data.edge_index.size(1))]
    torch.testing.assert_close(_rows(_run(pool, data).x), expected)


@_check("does not look at the order of the nodes")
def _ignores_the_order_of_nodes(pool: nn.Module, features: int) -> None:
    pool.eval()
    data = tie_free_graph(7, features=features)
    order = torch.randperm(7)
    other = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index])
    torch.testing.assert_close(_rows(_run(pool, other).x), _rows(_run(pool, data).x))


@_check("evaluates alike twice")
def _evaluates_alike_twice(pool: nn.Module, features: int) -> None:
    pool.eval()
    data = _batch(features)
    first, second = _run(pool, data), _run(pool, data)
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@_check("does not write into its input")
def _does_not_write(pool: nn.Module, features: int) -> None:
    data = _batch(features)
    data.x = data.x.to(_dtype(pool))
    before = data.clone()
    _run(pool, data)
    for key in ("x", "edge_index", "batch"):
        assert torch.equal(data[key], before[key]), f"{key} was changed"


@_check("returns no self-loop and no edge twice")
def _returns_simple_edges(pool: nn.Module, features: int) -> None:
    data = tie_free_graph(9, features=features, edges_per_node=3)
    edges = _run(pool, data).edge_index
    assert not bool((edges[0] == edges[1]).any()), "a self-loop"
    assert torch.unique(edges, dim=1).size(1) == edges.size(1), "an edge that is there twice"


@_check("lets every node reach the output")
def _loses_no_node(pool: nn.Module, features: int) -> None:
    data = tie_free_graph(8, features=features)
    data.x.requires_grad_()
    out = _run(pool, data).x
    (gradient,) = torch.autograd.grad((out * torch.randn_like(out)).sum(), data.x)
    lost = (gradient == 0).all(1).nonzero().view(-1).tolist()
    assert not lost, f"no gradient reaches nodes {lost} of 8"


@_check("has the gradient in x that central differences have")
def _gradient_of_x(pool: nn.Module, features: int) -> None:
    pool.double().eval()
    data = _batch(features)
    assert_gradients_match(
        lambda x: _run(pool, Batch(x=x, edge_index=data.edge_index, batch=data.batch)).x, [data.x]
    )


@_check("has the gradient in its parameters that central differences have")
def _gradient_of_parameters(pool: nn.Module, features: int) -> None:
    pool.double().eval()
    data = _batch(features)
    parameters = list(pool.parameters())
    assert_gradients_match(lambda *_: _run(pool, data).x, parameters)


@_check("gives every parameter a gradient, without an edge too")
def _gradients_are_there(pool: nn.Module, features: int) -> None:
    for edges_per_node in (1.5, 0.0):
        pool.zero_grad(set_to_none=True)
        data = tie_free_graph(6, features=features, edges_per_node=edges_per_node)
        data.x.requires_grad_()
        torch.autograd.backward(_run(pool, data).x.sum())
        missing = [name for name, p in pool.named_parameters() if p.grad is None]
        assert not missing, f"none for {', '.join(missing)} ({data.edge_index.size(1)} edges)"


@_check("takes an empty graph between others")
def _takes_an_empty_graph(pool: nn.Module, features: int) -> None:
    data = tie_free_batch((4, 0, 3), features=features)
    out = _run(pool, data)
    _assert_well_formed(out, 3)
    assert 1 not in out.batch.tolist(), "the empty graph has nodes"


@_check("keeps the precision of x")
def _keeps_precision(pool: nn.Module, features: int) -> None:
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        found = _run(copy.deepcopy(pool).to(dtype), _batch(features)).x.dtype
        assert found == dtype, f"{found} for {dtype}"


@_check("comes back from its state_dict")
def _comes_back(pool: nn.Module, features: int) -> None:
    data = _batch(features)
    other = copy.deepcopy(pool).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    other.load_state_dict(pool.state_dict())
    torch.testing.assert_close(_run(other, data).x, _run(pool.eval(), data).x)


def _takes(data: Data) -> Check:
    def check(pool: nn.Module, features: int) -> None:
        x = data.x[:, :1].expand(-1, features) if features > data.x.size(1) else data.x
        graph = Data(x=x[:, :features].clone().requires_grad_(), edge_index=data.edge_index)
        out = _run(pool, graph)
        _assert_well_formed(out, 1)
        assert bool(torch.isfinite(out.x).all()), "NaN or infinity comes out"
        if out.x.requires_grad:
            torch.autograd.backward(out.x.sum())
            assert graph.x.grad is None or bool(torch.isfinite(graph.x.grad).all()), (
                "a gradient that is NaN or infinity"
            )

    return check


for _name, _data in degenerate_graphs(16).items():
    CHECKS[f"takes a graph: {_name}"] = _takes(_data)
