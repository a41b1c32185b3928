"""Checks of edge attributes, for pools that accept them."""

import inspect

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.checks.nodes import expect_well_formed
from pyg_grapheme.testing.checks.symmetry import expect_same_graph
from pyg_grapheme.testing.gradients import gradients_or_zeros
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import Pooled, run_pool


def _attributes(pool: nn.Module, data: Data) -> dict[str, Tensor]:
    """Return the edge attributes by the pool's name for them; empty if it accepts none."""
    names = inspect.signature(pool.forward).parameters
    if "edge_attr" in names:
        return {"edge_attr": data.edge_attr}
    return {"edge_weight": data.edge_attr[:, 0]} if "edge_weight" in names else {}


def _carries_attributes(pool: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    for name, attr in _attributes(pool, data).items():
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


def _ignores_the_order(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.batch
    order = torch.randperm(data.edge_index.size(1), device=data.x.device)
    other = Data(x=data.x, edge_index=data.edge_index[:, order], batch=data.batch)
    for name, attr in _attributes(pool, data).items():
        expected = run_pool(pool, data, **{name: attr})
        expect_same_graph(run_pool(pool, other, **{name: attr[order]}), expected)


OF_EDGE_ATTRIBUTES = {
    "carries edge attributes, if it accepts them": Check(_carries_attributes),
    "ignores the order of edges with attributes, if it accepts them": Check(_ignores_the_order),
}
