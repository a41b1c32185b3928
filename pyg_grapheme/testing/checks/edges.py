"""Which edges come out."""

import torch
from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.pooled import run_pool
from pyg_grapheme.testing.specimens import Specimens


def _returns_simple_edges(pool: nn.Module, specimens: Specimens) -> None:
    edges = run_pool(pool, specimens.dense).edge_index
    expect_that(not bool((edges[0] == edges[1]).any()), "a self-loop")
    alike = edges.size(1) - torch.unique(edges, dim=1).size(1)
    expect_that(alike == 0, "an edge that is there twice")


OF_EDGES = {
    "returns no self-loop and no edge twice": Check(_returns_simple_edges),
}
