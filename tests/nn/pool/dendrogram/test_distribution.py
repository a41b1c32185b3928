"""The distribution over the cuts of a dendrogram, against cuts enumerated one by one."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import dendrogram, fcluster, is_valid_linkage, linkage
from scipy.special import expit

from pyg_grapheme.nn.pool import Dendrogram, ScoredPairs, ThresholdMergePool, single_linkage

MERGES = ("components", "average", "complete", "matching")
SIZES = [7, 0, 1, 9, 2]


def draw(draw_graphs: Callable, seed: int, ties: bool) -> tuple:
    """Graphs, some score per edge and a threshold per graph; features of few kinds if they tie."""
    graphs = draw_graphs(seed, SIZES, edges_per_node=1.5)
    generator = torch.Generator().manual_seed(seed)
    score = torch.rand(graphs.edge_index.size(1), generator=generator).double()
    if ties:
        # The same for both directions of an edge and repeats, whose scores are averaged.
        score = (graphs.edge_index.sum(0) % 4 / 4).double()
    threshold = torch.rand(len(SIZES), generator=generator).double()
    return graphs, score, threshold


def parts_of(tree: Dendrogram, level: int, graph: int) -> list[list[int]]:
    """The clusters of one graph after so many of its steps, by merging lists."""
    of_node = {i: [i] for i in (tree.batch == graph).nonzero().view(-1).tolist()}
    for (u, v), g, step in zip(
        tree.pairs.T.tolist(), tree.graph.tolist(), tree.step.tolist(), strict=True
    ):
        if g == graph and step <= level:
            merged = sorted(of_node[u] + of_node[v])
            of_node.update(dict.fromkeys(merged, merged))
    return sorted({tuple(part) for part in of_node.values()})


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("merge", MERGES)
def test_sums_over_clusters_have_the_expectation_of_all_cuts(
    merge: str, ties: bool, draw_graphs: Callable
) -> None:
    for seed in range(4):
        graphs, score, threshold = draw(draw_graphs, seed, ties)
        pool = ThresholdMergePool(merge=merge, reduce="sum", temperature=0.2).double()
        leaves = [t.requires_grad_() for t in (graphs.x.clone(), score, threshold)]
        x, edge_score, tau = leaves
        given = (x, *graphs[1:]), {"edge_score": edge_score, "threshold": tau}

        cuts = pool.cuts(*given[0], **given[1])
        value = cuts.output.x.sin().sum(1).square()
        per_cut = value.new_zeros(cuts.num_cuts).index_add(0, cuts.output.batch, value)
        expected = cuts.expectation(per_cut)

        tree = pool.dendrogram(*given[0], **given[1])
        torch.testing.assert_close(tree.probability, cuts.weight)
        assert torch.equal(tree.cut_graph, cuts.graph)
        clusters = tree.clusters()
        found = clusters.expectation(clusters.sum(x).sin().sum(1).square())

        for result in (tree.expectation(per_cut), found):
            torch.testing.assert_close(result, expected, atol=1e-10, rtol=0)
        weights = torch.arange(1.0, 6.0).double()
        gradients = [
            torch.autograd.grad((result * weights).sum(), leaves, retain_graph=True)
            for result in (found, expected)
        ]
        torch.testing.assert_close(*gradients, atol=1e-10, rtol=0)
        assert all(bool(g.abs().sum() > 0) for g in gradients[0])


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_clusters_are_those_of_all_cuts(ties: bool, draw_graphs: Callable) -> None:
    for seed, merge in enumerate(MERGES):
        graphs, score, threshold = draw(draw_graphs, seed, ties)
        pool = ThresholdMergePool(merge=merge).double()
        tree = pool.dendrogram(*graphs, edge_score=score, threshold=threshold)
        expected: dict[tuple[int, ...], float] = {}
        for graph, (probability, steps) in enumerate(
            zip(tree.probability.split((tree.num_steps + 1).tolist()), tree.num_steps, strict=True)
        ):
            for level in range(int(steps) + 1):
                for part in parts_of(tree, level, graph):
                    expected[part] = expected.get(part, 0.0) + probability[level].item()
        clusters = tree.clusters()
        order, sizes = clusters.order.tolist(), clusters.size.tolist()
        members = [
            tuple(sorted(order[start : start + size]))
            for start, size in zip(clusters.start.tolist(), sizes, strict=True)
        ]
        assert len(set(members)) == len(members) == len(expected)
        for part, p in zip(members, clusters.probability.tolist(), strict=True):
            assert p == pytest.approx(expected[part], abs=1e-12)
        assert members[: graphs.x.size(0)] == [(i,) for i in range(graphs.x.size(0))]
        for part, parent in zip(members, clusters.parent.tolist(), strict=True):
            above = [other for other in expected if set(other) > set(part)]
            assert (members[parent] if parent >= 0 else None) == min(above, key=len, default=None)
        assert clusters.graph.tolist() == [graphs.batch[part[0]] for part in members]
        summed = clusters.sum(graphs.edge_attr.new_ones(graphs.x.size(0), 2))
        assert summed.tolist() == [[size, size] for size in sizes]
        mean = clusters.mean(graphs.x)
        for k, part in enumerate(members):
            torch.testing.assert_close(mean[k], graphs.x[list(part)].mean(0))


@pytest.mark.parametrize("merge", MERGES)
def test_levels_are_groups_of_steps_at_their_lowest_height(
    merge: str, draw_graphs: Callable, fourth_powers: Callable
) -> None:
    for levels in (1, 2, 3, 100):
        graphs, score, threshold = draw(draw_graphs, levels, ties=False)
        pool = ThresholdMergePool(merge=merge, temperature=0.2).double()
        options = {"edge_score": score, "threshold": threshold}
        fine = pool.cuts(*graphs, **options)
        tree = pool.dendrogram(*graphs, **options)
        value = fourth_powers(fine)
        expected = []
        first = 0
        for graph, steps in enumerate(tree.num_steps.tolist()):
            heights = sorted(set(tree.height[tree.graph == graph].tolist()), reverse=True)
            count = min(levels, steps)
            groups = np.array_split(np.arange(1, steps + 1), count) if count else []
            # Sizes differ by at most one; which groups are larger is open, so compare sizes below.
            last = [math.floor(k * steps / count) for k in range(1, count + 1)]
            assert sorted(np.diff([0, *last])) == sorted(map(len, groups))
            logits = [math.inf, *(heights[s - 1] for s in last), -math.inf]
            tau = threshold[graph].item()
            above = [expit((h - tau) / 0.2) for h in logits]
            total = sum(
                (a - b) * value[first + s].item()
                for (a, b), s in zip(pairwise(above), [0, *last], strict=True)
            )
            expected.append(total)
            first += steps + 1
        cuts = pool.cuts(*graphs, levels=levels, **options)
        assert (cuts.graph.bincount(minlength=5) <= levels + 1).all()
        found = cuts.expectation(fourth_powers(cuts))
        torch.testing.assert_close(found, torch.tensor(expected).double())


@pytest.mark.parametrize(
    ("merge", "name"), [("components", "single"), *[(m, m) for m in MERGES[1:3]]]
)
def test_scipy_reads_the_tree_as_its_own(merge: str, name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    sizes = [5, 12]
    batch = torch.repeat_interleave(torch.tensor(sizes))
    pool = ThresholdMergePool(candidates="all", merge=merge).double()
    x = torch.randn(sum(sizes), 4, generator=generator, dtype=torch.double)
    tree = pool.dendrogram(x, torch.empty(2, 0, dtype=torch.long), None, batch)
    for graph, part in enumerate(x.split(sizes)):
        expected = linkage(part.numpy(), method=name, metric="cosine")
        found = tree.to_scipy(graph)
        assert is_valid_linkage(found, throw=True)
        np.testing.assert_array_equal(found[:, [0, 1, 3]], expected[:, [0, 1, 3]])
        distance = expected[:, 2] - expected[0, 2]
        np.testing.assert_allclose(found[:, 2], distance, atol=1e-10)
        leaves = dendrogram(found, no_plot=True)["leaves"]
        assert leaves == dendrogram(expected, no_plot=True)["leaves"]
        for threshold in (-0.5, 0.0, 0.7):
            theirs = fcluster(expected, 1 - threshold, "distance").tolist()
            ours = tree.cut(threshold)[batch == graph].tolist()
            assert len(set(zip(theirs, ours, strict=True))) == len(set(theirs)) == len(set(ours))


def test_means_do_not_overflow_and_single_nodes_are_exact() -> None:
    nodes = torch.arange(8000)
    edge_index, x = torch.stack([nodes[:-1], nodes[1:]]), torch.full((8000, 1), 10.0).half()
    clusters = ThresholdMergePool().dendrogram(x, edge_index).clusters()
    assert (clusters.mean(x) == 10).all()
    x = torch.tensor([[1e20], [1.0], [2.0]])
    tree = ThresholdMergePool().dendrogram(
        x, torch.tensor([[1], [2]]), None, torch.tensor([0, 1, 1])
    )
    assert tree.clusters().mean(x)[:3].tolist() == x.tolist()


def test_a_forest_has_no_linkage_matrix() -> None:
    batch = torch.tensor([0, 0, 0, 2])
    pairs, score = torch.tensor([[0], [2]]), torch.tensor([0.5])
    tree = single_linkage(ScoredPairs(pairs, score), batch, 3, torch.tensor(0.5), 0.1)
    for graph, count in ((0, 2), (1, 0)):
        with pytest.raises(
            ValueError, match=rf"one cluster \(got {count} clusters in graph {graph}"
        ):
            tree.to_scipy(graph)
    assert tree.to_scipy(2).shape == (0, 4)


@pytest.mark.parametrize("merge", MERGES)
def test_cut_returns_the_clusters_of_the_pool(merge: str, draw_graphs: Callable) -> None:
    graphs, score, threshold = draw(draw_graphs, 5, ties=False)
    pool = ThresholdMergePool(0.4, merge=merge).double()
    tree = pool.dendrogram(*graphs, edge_score=score)
    for other in (None, threshold):
        cluster = pool(*graphs, edge_score=score, threshold=other).history.cluster
        assert 1 < int(cluster.max()) + 1 < graphs.x.size(0)
        assert torch.equal(tree.cut(other), cluster)
    assert torch.equal(tree.cut(2.0), torch.arange(graphs.x.size(0)))
    # A merge at the threshold itself is not above it.
    best = tree.height.max()
    assert torch.equal(tree.cut(best), torch.arange(graphs.x.size(0)))
    assert int(tree.cut(best - 1e-9).max()) + 1 < graphs.x.size(0)


def test_what_does_not_fit_is_refused(draw_graphs: Callable) -> None:
    graphs, *_ = draw(draw_graphs, 0, ties=False)
    tree = ThresholdMergePool().double().dendrogram(*graphs)
    with pytest.raises(ValueError, match=rf"'value' .* {tree.num_cuts} cuts \(got shape \(3,\)"):
        tree.expectation(torch.ones(3))
    for threshold, got in ((torch.ones(3), r"shape \(3,\)"), (math.nan, "NaN")):
        with pytest.raises(ValueError, match=rf"a number, or a tensor \[5\] .*\(got {got}\)"):
            tree.cut(threshold)
    for graph in (-1, 5):
        with pytest.raises(ValueError, match=rf"'graph' to be in \[0, 5\) \(got {graph}\)"):
            tree.to_scipy(graph)
    clusters = tree.clusters()
    with pytest.raises(ValueError, match=r"'value' .* clusters \(got float\)"):
        clusters.expectation(1.0)
    with pytest.raises(ValueError, match=r"'x' to have one row for each of the 19 nodes"):
        clusters.sum(graphs.x[1:])
    with pytest.raises(ValueError, match=r"'x' to be finite"):
        clusters.mean(graphs.x.log())
    with pytest.raises(ValueError, match=r"'levels' to be at least 1 \(got 0\)"):
        tree.coarsen(0)
