"""The checks of a pool."""

import copy
import inspect
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from pyg_grapheme.testing.gradients import assert_gradients_match, gradients_or_zeros
from pyg_grapheme.testing.graphs import TestGraphs, degenerate_graphs
from pyg_grapheme.testing.pooled import Pooled, run_pool

Run = Callable[[nn.Module, TestGraphs], None]
"""Raises if the property does not hold; may change pool and graphs."""


class Check(NamedTuple):
    """A property that a pool should have.

    Attributes:
        run: Function that raises if the property does not hold.
        dtype: dtype of the pool and the graphs.
    """

    run: Run
    dtype: torch.dtype = torch.float


CHECKS: dict[str, Check] = {}
"""All checks by name, in the order in which they run."""


def adds_to(checks: dict[str, Check]) -> Callable[..., Callable[[Run], Run]]:
    """Return a decorator that adds a function to the checks, by name and dtype."""

    def named(name: str, dtype: torch.dtype = torch.float) -> Callable[[Run], Run]:
        def add(run: Run) -> Run:
            checks[name] = Check(run, dtype)
            return run

        return add

    return named


_check = adds_to(CHECKS)


def expect_that(holds: bool, reason: str) -> None:
    """Raise an AssertionError with the reason, even under ``python -O``."""
    if not holds:
        raise AssertionError(reason)


def expect_well_formed(out: Pooled, num_graphs: int) -> None:
    """Refuse an output whose edges or batch do not fit its nodes."""
    size, shape = out.x.size(0), tuple(out.edge_index.shape)
    expect_that(out.batch.shape == (size,), f"batch {tuple(out.batch.shape)} for {size} nodes")
    expect_that(len(shape) == 2 and shape[0] == 2, f"edge_index of shape {shape}")
    if out.edge_index.numel():
        low, high = int(out.edge_index.min()), int(out.edge_index.max())
        expect_that(low >= 0, f"edge to node {low}")
        expect_that(high < size, f"edge to node {high} of {size}")
        ends = out.batch[out.edge_index]
        expect_that(bool((ends[0] == ends[1]).all()), "an edge joins two graphs")
    if size:
        low, high = int(out.batch.min()), int(out.batch.max())
        expect_that(
            low >= 0 and high < num_graphs,
            f"batch has graphs from {low} to {high}, not in [0, {num_graphs})",
        )


@_check("returns a graph")
def _returns_a_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    expect_well_formed(run_pool(pool, graphs.batch), graphs.batch.num_graphs)


@_check("keeps the batch sorted")
def _keeps_the_batch_sorted(pool: nn.Module, graphs: TestGraphs) -> None:
    batch = run_pool(pool, graphs.batch).batch
    expect_that(bool((batch.diff() >= 0).all()), f"batch {batch.tolist()}")


@_check("keeps at least one node of every graph")
def _keeps_every_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    found = sorted(set(run_pool(pool, graphs.batch).batch.tolist()))
    size = graphs.batch.num_graphs
    expect_that(found == list(range(size)), f"graphs {found} of {size}")


@_check("accepts an empty graph between others")
def _accepts_an_empty_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    out = run_pool(pool, graphs.gap)
    expect_well_formed(out, graphs.gap.num_graphs)
    expect_that(1 not in out.batch.tolist(), "the empty graph has nodes")


@_check("returns no self-loops and no repeated edges")
def _returns_simple_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    edges = run_pool(pool, graphs.dense).edge_index
    expect_that(not bool((edges[0] == edges[1]).any()), "a self-loop")
    expect_that(torch.unique(edges, dim=1).size(1) == edges.size(1), "a repeated edge")


@_check("keeps a connected graph connected")
def _keeps_it_connected(pool: nn.Module, graphs: TestGraphs) -> None:
    out = run_pool(pool, graphs.path)
    size, reached = out.x.size(0), _reached(out)
    expect_that(size > 0, "no node is left")
    expect_that(reached == size, f"a path is disconnected: {reached} of {size} nodes are connected")


def _reached(out: Pooled) -> int:
    """Return the number of nodes connected to the first, ignoring directions."""
    size = out.x.size(0)
    adjacency = torch.eye(size, dtype=torch.double)
    row, col = out.edge_index.cpu()
    adjacency[row, col] = adjacency[col, row] = 1
    # Entry (i, j) of the n-th power is positive if a path of at most n edges joins i and j.
    return int((torch.linalg.matrix_power(adjacency, size)[:1] > 0).sum())


@_check("returns at most as many edges as the input has")
def _adds_no_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    before, after = graphs.path.edge_index.size(1), run_pool(pool, graphs.path).edge_index
    expect_that(after.size(1) <= before, f"{after.size(1)} edges from {before}")


@_check("keeps the direction of the edges")
def _keeps_directions(pool: nn.Module, graphs: TestGraphs) -> None:
    row, col = run_pool(pool, graphs.star).edge_index
    row, col = row[row != col], col[row != col]
    sources = torch.unique(row).numel()
    # With a single edge left, either direction is possible.
    expect_that(
        row.numel() < 2 or sources == 1, f"the edges of a star start at {sources} nodes, not at 1"
    )


def expect_same_graph(found: Pooled, expected: Pooled) -> None:
    """Refuse graphs whose nodes or edges differ by more than their order."""
    torch.testing.assert_close(_sorted_rows(found.x), _sorted_rows(expected.x))
    torch.testing.assert_close(
        _sorted_rows(_edges(found)), _sorted_rows(_edges(expected)), msg=lambda m: f"Edges: {m}"
    )


def _edges(out: Pooled) -> Tensor:
    """Return a row per edge: the features of its two ends and its attributes."""
    row, col = out.edge_index
    ends = torch.cat([out.x[row], out.x[col]], 1)
    if out.edge_attr is None:
        return ends
    attr = out.edge_attr if out.edge_attr.dim() > 1 else out.edge_attr[:, None]
    return torch.cat([ends, attr], 1)


def _sorted_rows(rows: Tensor) -> Tensor:
    """Sort rows by value."""
    order = torch.arange(len(rows), device=rows.device)
    for column in reversed(rows.detach().double().round(decimals=4).unbind(1)):
        order = order[column[order].argsort(stable=True)]
    return rows[order]


@_check("pools each graph of a batch independently")
def _does_not_mix_graphs(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    out = run_pool(pool, graphs.batch)
    for index, graph in enumerate(graphs.batch.to_data_list()):
        expect_same_graph(_part(out, index), run_pool(pool, graph))


def _part(out: Pooled, index: int) -> Pooled:
    """Return one graph of a batch."""
    mine = out.batch == index
    edge_index, edge_attr = subgraph(
        mine, out.edge_index, out.edge_attr, relabel_nodes=True, num_nodes=len(mine)
    )
    return Pooled(out.x[mine], edge_index, edge_attr, out.batch[mine])


@_check("ignores the order of the edges")
def _ignores_the_order_of_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.batch
    order = torch.randperm(data.edge_index.size(1), device=data.x.device)
    other = Data(x=data.x, edge_index=data.edge_index[:, order], batch=data.batch)
    expect_same_graph(run_pool(pool, other), run_pool(pool, data))


@_check("ignores the order of the nodes")
def _ignores_the_order_of_nodes(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.sparse
    order = torch.randperm(data.num_nodes, device=data.x.device)
    other = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index])
    expect_same_graph(run_pool(pool, other), run_pool(pool, data))


@_check("is deterministic in eval mode")
def _is_deterministic(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    first, second = run_pool(pool, graphs.batch), run_pool(pool, graphs.batch)
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def attributes_for(pool: nn.Module, data: Data) -> dict[str, Tensor]:
    """Return the edge attributes by the pool's name for them; empty if it accepts none."""
    names = inspect.signature(pool.forward).parameters
    if "edge_attr" in names:
        return {"edge_attr": data.edge_attr}
    return {"edge_weight": data.edge_attr[:, 0]} if "edge_weight" in names else {}


@_check("carries edge attributes, if it accepts them")
def _carries_attributes(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    for name, attr in attributes_for(pool, data).items():
        attr.requires_grad_()
        out = run_pool(pool, data, **{name: attr})
        expect_well_formed(out, data.num_graphs)
        pooled = _one_per_edge(name, attr, out)
        of_input, of_output = data.batch[data.edge_index[0]], out.batch[out.edge_index[0]]
        _expect_same_graph_only(attr, of_input, pooled, of_output)


def _one_per_edge(name: str, attr: Tensor, out: Pooled) -> Tensor:
    size = out.edge_index.size(1)
    if out.edge_attr is None:
        raise AssertionError(f"the input has {name}, the output has none")
    found, shape = tuple(out.edge_attr.shape), (size, *attr.shape[1:])
    expect_that(found == shape, f"{name} of shape {found} for {size} edges, not {shape}")
    expect_that(out.edge_attr.dtype == attr.dtype, f"{out.edge_attr.dtype} for {attr.dtype}")
    return out.edge_attr


def _expect_same_graph_only(
    attr: Tensor, of_input: Tensor, pooled: Tensor, of_output: Tensor
) -> None:
    """Refuse attributes that depend on the edges of another graph, or on no edge at all."""
    for graph in set(of_output.tolist()):
        value = pooled[of_output == graph]
        (gradient,) = gradients_or_zeros(
            (value * torch.randn_like(value)).sum(), [attr], retain_graph=True
        )
        mine = of_input == graph
        expect_that(
            bool(gradient[mine].any()), f"no gradient reaches the attributes of graph {graph}"
        )
        expect_that(
            not bool(gradient[~mine].any()), f"attributes of graph {graph} come from another graph"
        )


@_check("ignores the order of edges with attributes, if it accepts them")
def _ignores_the_order(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.batch
    order = torch.randperm(data.edge_index.size(1), device=data.x.device)
    other = Data(x=data.x, edge_index=data.edge_index[:, order], batch=data.batch)
    for name, attr in attributes_for(pool, data).items():
        expected = run_pool(pool, data, **{name: attr})
        expect_same_graph(run_pool(pool, other, **{name: attr[order]}), expected)


@_check("passes a gradient to every node")
def _reaches_every_node(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.sparse
    data.x.requires_grad_()
    out = run_pool(pool, data).x
    (gradient,) = gradients_or_zeros((out * torch.randn_like(out)).sum(), [data.x])
    lost = (gradient == 0).all(1).nonzero().view(-1).tolist()
    expect_that(not lost, f"no gradient reaches nodes {lost} of {data.num_nodes}")


@_check("has a correct gradient in x", torch.double)
def _gradient_of_x(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    edge_index, batch = graphs.batch.edge_index, graphs.batch.batch
    assert_gradients_match(
        lambda x: run_pool(pool, Data(x=x, edge_index=edge_index, batch=batch)).x,
        [graphs.batch.x],
    )


@_check("has correct gradients in its parameters", torch.double)
def _gradient_of_parameters(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    trained = [parameter for parameter in pool.parameters() if parameter.requires_grad]
    if trained:
        assert_gradients_match(lambda *_: run_pool(pool, graphs.batch).x, trained)


@_check("gives every parameter a gradient, even without edges")
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


@_check("leaves its input unchanged")
def _leaves_input_unchanged(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    before = data.clone()
    run_pool(pool, data)
    for key in ("x", "edge_index", "batch"):
        expect_that(torch.equal(data[key], before[key]), f"{key} was changed")


@_check("keeps the precision of x")
def _keeps_precision(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        other = Data(x=data.x.to(dtype), edge_index=data.edge_index, batch=data.batch)
        found = run_pool(copy.deepcopy(pool).to(dtype), other).x.dtype
        expect_that(found == dtype, f"{found} for {dtype}")


@_check("restores from its state_dict")
def _restores_its_state(pool: nn.Module, graphs: TestGraphs) -> None:
    other = copy.deepcopy(pool).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    other.load_state_dict(pool.state_dict())
    found, expected = run_pool(other, graphs.batch), run_pool(pool.eval(), graphs.batch)
    torch.testing.assert_close(found.x, expected.x)


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


CHECKS |= {f"accepts a graph: {name}": Check(_accepts(name)) for name in degenerate_graphs()}
