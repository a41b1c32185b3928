"""Checks of the edges of the output."""

import torch
from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import Pooled, run_pool


def _returns_simple_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    edges = run_pool(pool, graphs.dense).edge_index
    expect_that(not bool((edges[0] == edges[1]).any()), "a self-loop")
    expect_that(torch.unique(edges, dim=1).size(1) == edges.size(1), "a repeated edge")


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


def _adds_no_edges(pool: nn.Module, graphs: TestGraphs) -> None:
    before, after = graphs.path.edge_index.size(1), run_pool(pool, graphs.path).edge_index
    expect_that(after.size(1) <= before, f"{after.size(1)} edges from {before}")


def _keeps_directions(pool: nn.Module, graphs: TestGraphs) -> None:
    row, col = run_pool(pool, graphs.star).edge_index
    row, col = row[row != col], col[row != col]
    sources = torch.unique(row).numel()
    # With a single edge left, either direction is possible.
    expect_that(
        row.numel() < 2 or sources == 1, f"the edges of a star start at {sources} nodes, not at 1"
    )


OF_EDGES = {
    "returns no self-loops and no repeated edges": Check(_returns_simple_edges),
    "keeps a connected graph connected": Check(_keeps_it_connected),
    "returns at most as many edges as the input has": Check(_adds_no_edges),
    "keeps the direction of the edges": Check(_keeps_directions),
}
