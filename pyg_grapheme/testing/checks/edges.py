"""Which edges come out."""

import torch
from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.pooled import Pooled, run_pool
from pyg_grapheme.testing.specimens import Specimens


def _returns_simple_edges(pool: nn.Module, specimens: Specimens) -> None:
    edges = run_pool(pool, specimens.dense).edge_index
    expect_that(not bool((edges[0] == edges[1]).any()), "a self-loop")
    alike = edges.size(1) - torch.unique(edges, dim=1).size(1)
    expect_that(alike == 0, "an edge that is there twice")


def _leaves_it_connected(pool: nn.Module, specimens: Specimens) -> None:
    out = run_pool(pool, specimens.path)
    size, reached = out.x.size(0), _reached(out)
    expect_that(size > 0, "no node is left")
    expect_that(reached == size, f"a path fell apart: {reached} of {size} nodes hang together")


def _reached(out: Pooled) -> int:
    """How many nodes a walk from the first can reach, along edges in either direction."""
    size = out.x.size(0)
    adjacency = torch.eye(size, dtype=torch.double)
    row, col = out.edge_index.cpu()
    adjacency[row, col] = adjacency[col, row] = 1
    # Its power n counts the walks of n steps, loops included: enough to get anywhere.
    return int((torch.linalg.matrix_power(adjacency, size)[:1] > 0).sum())


def _adds_no_edges(pool: nn.Module, specimens: Specimens) -> None:
    before, after = specimens.path.edge_index.size(1), run_pool(pool, specimens.path).edge_index
    expect_that(after.size(1) <= before, f"{after.size(1)} edges of {before}")


def _keeps_directions(pool: nn.Module, specimens: Specimens) -> None:
    row, col = run_pool(pool, specimens.star).edge_index
    row, col = row[row != col], col[row != col]
    sources = torch.unique(row).numel()
    # Of one edge alone nobody can tell which way it ran.
    expect_that(
        row.numel() < 2 or sources == 1, f"the edges of a star run from {sources} nodes, not from 1"
    )


OF_EDGES = {
    "returns no self-loop and no edge twice": Check(_returns_simple_edges),
    "leaves a connected graph connected": Check(_leaves_it_connected),
    "returns no more edges than it is given": Check(_adds_no_edges),
    "keeps the direction of the edges": Check(_keeps_directions),
}
