"""Single linkage against SciPy and networkx."""

from itertools import product

import networkx as nx
import pytest
import torch
from scipy.cluster.hierarchy import linkage
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram, ScoredPairs, single_linkage
from pyg_grapheme.nn.pool.candidates.candidates import has_no_cycle


def build(pairs: Tensor, score: Tensor, batch: Tensor, num_graphs: int = 1) -> Dendrogram:
    return single_linkage(ScoredPairs(pairs, score), batch, num_graphs, torch.tensor(0.5), 0.1)


def test_heights_of_complete_graphs_are_scipys() -> None:
    for num_nodes, seed in product((2, 3, 8, 25), range(4)):
        pairs = torch.combinations(torch.arange(num_nodes)).T
        generator = torch.Generator().manual_seed(seed)
        score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
        dendrogram = build(pairs, score, torch.zeros(num_nodes).long())
        expected = 1 - linkage((1 - score).numpy(), method="single")[:, 2]
        found = dendrogram.height.tolist()
        assert found == pytest.approx(expected, abs=1e-12), (num_nodes, seed)


@pytest.mark.parametrize("levels", [None, 4], ids=["distinct", "ties"])
def test_merges_weigh_what_networkx_spanning_forests_weigh(levels: int | None) -> None:
    sizes = [9, 0, 1, 14]
    batch = torch.repeat_interleave(torch.tensor(sizes))
    blocks = [torch.combinations(torch.arange(9)), 10 + torch.combinations(torch.arange(14))]
    for seed in range(10):
        generator = torch.Generator().manual_seed(seed)
        pairs = torch.cat(blocks).T
        pairs = pairs[:, torch.randperm(pairs.size(1), generator=generator)[: pairs.size(1) // 5]]
        score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
        score = score if levels is None else (score * levels).floor()
        dendrogram = build(pairs, score, batch, len(sizes))
        graph_of_merge = batch[dendrogram.pairs[0]]
        assert graph_of_merge.tolist() == sorted(graph_of_merge.tolist()), seed
        for g in range(len(sizes)):
            graph = nx.Graph()
            for (u, v), s in zip(pairs.T.tolist(), score.tolist(), strict=True):
                if batch[u] == g:
                    graph.add_edge(u, v, weight=s)
            forest = nx.maximum_spanning_edges(graph)
            weights = sorted((data["weight"] for _, _, data in forest), reverse=True)
            mine = graph_of_merge == g
            assert dendrogram.height[mine].tolist() == weights, (seed, g)
            distinct = sorted(set(weights), reverse=True)
            steps = [1 + distinct.index(w) for w in weights]
            assert dendrogram.step[mine].tolist() == steps, (seed, g)
            assert dendrogram.num_steps[g] == len(distinct), (seed, g)


def test_without_pairs_there_is_no_step() -> None:
    none = torch.empty(2, 0, dtype=torch.long)
    for num_nodes, num_graphs in ((0, 0), (0, 2), (3, 1)):
        batch = torch.zeros(num_nodes).long()
        dendrogram = build(none, torch.empty(0), batch, num_graphs)
        assert dendrogram.height.numel() == dendrogram.step.numel() == 0
        assert dendrogram.num_steps.tolist() == [0] * num_graphs


def test_a_long_chain_of_falling_scores_merges_in_order() -> None:
    nodes = torch.arange(500)
    score = torch.linspace(1, 0, 499, dtype=torch.double)
    dendrogram = build(torch.stack([nodes[:-1], nodes[1:]]), score, torch.zeros(500).long())
    assert dendrogram.pairs[0].tolist() == list(range(499))
    assert dendrogram.step.tolist() == list(range(1, 500))


def test_the_pool_s_dendrogram_is_scipy_s(draw_graphs) -> None:
    graphs = draw_graphs(3, [6, 0, 5])
    complete = torch.cat(
        [
            torch.combinations(torch.arange(6)).T,
            torch.combinations(torch.arange(6, 11)).T,
        ],
        dim=1,
    )
    pool = ThresholdMergePool().double()
    dendrogram = pool.dendrogram(graphs.x, complete, None, graphs.batch, 3)
    for graph, part in ((0, graphs.x[:6]), (2, graphs.x[6:])):
        expected = 1 - linkage(part.numpy(), method="single", metric="cosine")[:, 2]
        found = dendrogram.height[dendrogram.graph == graph]
        torch.testing.assert_close(found, torch.from_numpy(expected))
    assert not (dendrogram.graph == 1).any()


def test_the_pool_s_dendrogram_of_a_matching_is_the_matching(draw_graphs) -> None:
    graphs = draw_graphs(0, [12])
    pool = ThresholdMergePool(1e-6, merge="matching").double()
    dendrogram = pool.dendrogram(graphs.x, graphs.edge_index)
    above = dendrogram.pairs[:, dendrogram.height > 1e-6]
    history = pool(graphs.x, graphs.edge_index).history
    assert history.num_clusters == 12 - above.size(1)
    assert torch.equal(history.cluster[above[0]], history.cluster[above[1]])


@pytest.mark.parametrize("levels", [None, 3], ids=["distinct", "ties"])
def test_the_pairs_of_a_forest_are_found_as_those_of_a_graph_with_a_cycle(
    levels: int | None,
) -> None:
    nodes, batch = torch.arange(12), torch.zeros(12).long()
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        # Each node but the last hangs on a later one; one more pair, the worst, closes a cycle.
        above = nodes[:-1] + 1 + (torch.rand(11, generator=generator) * (11 - nodes[:-1])).long()
        tree = torch.stack([nodes[:-1], above])
        extra = next(p for p in torch.combinations(nodes) if not (p == tree.T).all(1).any())
        score = torch.rand(11, generator=generator, dtype=torch.double)
        score = (score if levels is None else (score * levels).floor()).requires_grad_()
        by_step = torch.rand(11, generator=generator, dtype=torch.double)
        found = []
        for pairs, scores in (
            (tree, score),
            (torch.cat([tree, extra[:, None]], 1), torch.cat([score, score.new_full((1,), -1.0)])),
        ):
            dendrogram = build(pairs, scores, batch)
            height = dendrogram.step_height
            (gradient,) = torch.autograd.grad((height * by_step[: height.numel()]).sum(), score)
            found.append((dendrogram.pairs, dendrogram.step, height, gradient))
        torch.testing.assert_close(*found, msg=lambda message, seed=seed: f"{seed}: {message}")


def test_forests_are_seen_by_their_nodes() -> None:
    for pairs, seen in (
        ([[0, 1, 2], [1, 2, 3]], True),  # a chain
        ([[0, 0, 0], [1, 2, 3]], True),  # a star
        ([[0, 0, 1], [1, 2, 2]], False),  # a triangle
        ([[0, 0, 1], [2, 3, 3]], False),  # a path in another order
        ([[], []], True),
    ):
        assert has_no_cycle(torch.tensor(pairs, dtype=torch.long)) == seen
