"""Checks of invariances: order, other graphs of the batch, chance."""

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from pyg_grapheme.testing.checks.check import Check
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import Pooled, run_pool


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


def _ignores_the_order_of_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.batch
    order = torch.randperm(data.edge_index.size(1), device=data.x.device)
    other = Data(x=data.x, edge_index=data.edge_index[:, order], batch=data.batch)
    expect_same_graph(run_pool(pool, other), run_pool(pool, data))


def _ignores_the_order_of_nodes(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    data = graphs.sparse
    order = torch.randperm(data.num_nodes, device=data.x.device)
    other = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index])
    expect_same_graph(run_pool(pool, other), run_pool(pool, data))


def _is_deterministic(pool: nn.Module, graphs: TestGraphs) -> None:
    pool.eval()
    first, second = run_pool(pool, graphs.batch), run_pool(pool, graphs.batch)
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


OF_SYMMETRY = {
    "pools each graph of a batch independently": Check(_does_not_mix_graphs),
    "ignores the order of the edges": Check(_ignores_the_order_of_edges),
    "ignores the order of the nodes": Check(_ignores_the_order_of_nodes),
    "is deterministic in eval mode": Check(_is_deterministic),
}
