"""Graphs and features of the workloads, and the layers that are run on them."""

import networkx
import torch
from torch import nn

from benchmarks.pools.features import pair_cosines, turning_features
from benchmarks.pools.graphs import Graph, complete, grid, star
from benchmarks.pools.layers import Row, list_rows
from benchmarks.pools.measure import run_once
from benchmarks.pools.workloads import Workload, tiny_workload
from pyg_grapheme.nn import ThresholdMergePool

MERGES = ("components", "average", "complete", "matching")


def build_row(name: str, work: Workload) -> nn.Module:
    rows = {row.name: row for row in list_rows(["dendrogram", "clusters"], MERGES, [])}
    return rows[name].build(work)


def falling_chain(num_nodes: int) -> Workload:
    """The chain whose cosines fall, with a threshold in the middle of them."""
    nodes = torch.arange(num_nodes)
    edges = torch.stack([nodes[:-1], nodes[1:]])
    batch = torch.zeros_like(nodes)
    x = turning_features(Graph(edges, batch)).requires_grad_()
    return Workload(x, edges, batch, torch.ones_like(x), 0.75, nodes)


def test_graphs_are_those_of_networkx() -> None:
    square = networkx.grid_2d_graph(4, 4)
    for graph, expected in (
        (star(6), networkx.star_graph(5)),
        (grid(4), networkx.relabel_nodes(square, lambda place: 4 * place[0] + place[1])),
        (complete(5), networkx.complete_graph(5)),
    ):
        assert graph.edge_index.T.tolist() == sorted(map(list, expected.to_directed().edges))
        assert graph.batch.tolist() == [0] * len(expected)


def test_the_scores_of_a_long_falling_chain_fall_strictly() -> None:
    work = falling_chain(10**6)
    with torch.no_grad():
        score = ThresholdMergePool(0.5).scores(work.x, work.edge_index).score
    assert score.dtype == torch.float32
    assert bool((score.diff() < 0).all())


def test_trees_have_the_expectations_of_a_chain() -> None:
    # Cut k merges k pairs, each with the probability that the threshold is below its score.
    work = falling_chain(20)
    score = pair_cosines(work.x.detach(), work.edge_index)
    merged = torch.sigmoid((score - work.threshold) / 0.1)
    for merge in ("components", "average", "complete"):
        layer = build_row(f"ours dendrogram {merge}", work)
        (found,) = layer(work.x, work.edge_index, work.batch)
        torch.testing.assert_close(found, merged.mean().view(1, 1))
    layer = build_row("ours clusters", work)
    nn.init.zeros_(layer.head.weight)
    nn.init.ones_(layer.head.bias)
    (found,) = layer(work.x, work.edge_index, work.batch)
    torch.testing.assert_close(found, (20 - merged.sum()).view(1, 1))


def test_lines_of_ours_run_forward_and_backward() -> None:
    work = tiny_workload()
    rows: list[Row] = list_rows(["ours", "dendrogram", "clusters"], MERGES, ["none"])
    assert len(rows) == 2 * len(MERGES) + 1
    for row in rows:
        _, count = run_once(row.build(work), work)
        assert count == 1 or row.key == "ours"
        assert work.x.grad is not None
        assert work.x.grad.any()
