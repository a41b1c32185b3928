"""Checks of the nodes of the output."""

from torch import nn

from pyg_grapheme.testing.checks.check import Check, expect_that
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.pooled import Pooled, run_pool


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


def _returns_a_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    expect_well_formed(run_pool(pool, graphs.batch), graphs.batch.num_graphs)


def _keeps_the_batch_sorted(pool: nn.Module, graphs: TestGraphs) -> None:
    batch = run_pool(pool, graphs.batch).batch
    expect_that(bool((batch.diff() >= 0).all()), f"batch {batch.tolist()}")


def _keeps_every_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    found = sorted(set(run_pool(pool, graphs.batch).batch.tolist()))
    size = graphs.batch.num_graphs
    expect_that(found == list(range(size)), f"graphs {found} of {size}")


def _accepts_an_empty_graph(pool: nn.Module, graphs: TestGraphs) -> None:
    out = run_pool(pool, graphs.gap)
    expect_well_formed(out, graphs.gap.num_graphs)
    expect_that(1 not in out.batch.tolist(), "the empty graph has nodes")


OF_NODES = {
    "returns a graph": Check(_returns_a_graph),
    "keeps the batch sorted": Check(_keeps_the_batch_sorted),
    "keeps at least one node of every graph": Check(_keeps_every_graph),
    "accepts an empty graph between others": Check(_accepts_an_empty_graph),
}
