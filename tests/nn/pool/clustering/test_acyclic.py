"""Quotients of directed acyclic graphs against networkx's condensation."""

import random
from itertools import product

import networkx as nx
import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool.clustering.acyclic import (
    acyclic_roots,
    strong_components,
    topological_rank,
)
from pyg_grapheme.nn.pool.clustering.components import component_roots


def edge_tensor(edges: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(edges, dtype=torch.long).view(-1, 2).T


def random_dag(seed: int, shuffled: bool, n: int = 14, share: float = 0.25) -> Tensor:
    """Edges of a random DAG; ids are a topological order unless shuffled."""
    rng = random.Random(seed)
    place = list(range(n))
    if shuffled:
        rng.shuffle(place)
    chosen = [(i, j) for i in range(n) for j in range(i + 1, n) if rng.random() < share]
    return edge_tensor([(place[i], place[j]) for i, j in chosen])


def condensed(root: list[int], edge_index: Tensor) -> list[int]:
    """Roots after networkx has found the strongly connected components of the quotient."""
    quotient = nx.DiGraph()
    quotient.add_nodes_from(root)
    quotient.add_edges_from((root[i], root[j]) for i, j in edge_index.T.tolist())
    smallest = {r: min(c) for c in nx.strongly_connected_components(quotient) for r in c}
    return [smallest[r] for r in root]


def test_roots_are_those_of_the_condensation() -> None:
    for seed, shuffled in product(range(30), (False, True)):
        edge_index = random_dag(seed, shuffled)
        merged = torch.randint(14, (2, 4), generator=torch.Generator().manual_seed(seed))
        root = component_roots(merged, 14)
        expected = condensed(root.tolist(), edge_index)
        assert acyclic_roots(root, edge_index).tolist() == expected, (seed, shuffled)


def test_strong_components_are_networkx_s() -> None:
    for seed in range(30):
        graph = nx.gnp_random_graph(12, 0.12, seed=seed, directed=True)
        smallest = {v: min(c) for c in nx.strongly_connected_components(graph) for v in c}
        found = strong_components(edge_tensor(list(graph.edges)), 12)
        assert found.tolist() == [smallest[v] for v in range(12)], seed


def test_ranks_are_a_topological_order() -> None:
    for seed in range(10):
        edge_index = random_dag(seed, shuffled=True)
        rank = topological_rank(edge_index, 14)
        assert sorted(rank.tolist()) == list(range(14)), seed
        assert bool((rank[edge_index[0]] < rank[edge_index[1]]).all()), seed


def directed(cluster: Tensor, edge_index: Tensor) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(cluster.tolist())
    graph.add_edges_from(e for e in cluster[edge_index].T.tolist() if e[0] != e[1])
    return graph


@pytest.mark.parametrize(("candidates", "threshold"), [("edges", 0.4), ("all", 0.9)])
@pytest.mark.parametrize("merge", ["components", "matching"])
def test_the_pool_merges_what_the_condensation_does(
    merge: str, candidates: str, threshold: float
) -> None:
    options = {"merge": merge, "candidates": candidates, "block_size": 20}
    plain = ThresholdMergePool(threshold, **options)
    acyclic = ThresholdMergePool(threshold, acyclic=True, **options)
    for seed, shuffled in product(range(10), (False, True)):
        edge_index = random_dag(seed, shuffled)
        x = torch.randn(14, 3, generator=torch.Generator().manual_seed(seed))
        cluster = plain(x, edge_index).history.cluster.tolist()
        expected = condensed([cluster.index(c) for c in cluster], edge_index)
        names = sorted(set(expected))
        found = acyclic(x, edge_index).history.cluster
        assert found.tolist() == [names.index(r) for r in expected], (seed, shuffled)
        assert nx.is_directed_acyclic_graph(directed(found, edge_index)), (seed, shuffled)


@pytest.mark.parametrize("shuffled", [False, True])
def test_every_cut_is_acyclic_and_the_expectation_differentiable(
    shuffled: bool, fourth_powers
) -> None:
    edge_index = torch.cat(
        [random_dag(0, shuffled, 7, 0.5), 7 + random_dag(1, shuffled, 5, 0.5)], 1
    )
    batch = torch.tensor([0] * 7 + [1] * 5)
    x = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    pool = ThresholdMergePool(0.3, acyclic=True, temperature=0.2).double()
    cuts = pool.cuts(x, edge_index, None, batch)
    quotient = nx.DiGraph(cuts.output.edge_index.T.tolist())
    assert nx.is_directed_acyclic_graph(quotient)
    plain = ThresholdMergePool(0.3, temperature=0.2).double().cuts(x, edge_index, None, batch)
    assert not nx.is_directed_acyclic_graph(nx.DiGraph(plain.output.edge_index.T.tolist()))
    torch.testing.assert_close(cuts.weight, plain.weight)
    x.requires_grad_()

    def expectation(x: Tensor) -> Tensor:
        cuts = pool.cuts(x, edge_index, None, batch)
        return cuts.expectation(fourth_powers(cuts))

    assert torch.autograd.gradcheck(expectation, x, rtol=1e-6, atol=1e-8)


def test_input_with_a_cycle_is_refused() -> None:
    pool = ThresholdMergePool(acyclic=True)
    for edges in ([(0, 1), (1, 0)], [(0, 1), (1, 2), (2, 1), (2, 3)]):
        for entry in (pool, pool.cuts):
            with pytest.raises(ValueError, match=r"Expected 'edge_index' to have no cycle"):
                entry(torch.randn(4, 2), edge_tensor(edges))


def test_self_loops_are_no_cycle() -> None:
    out = ThresholdMergePool(acyclic=True)(torch.eye(3), edge_tensor([(1, 1), (0, 2)]))
    assert out.history.num_clusters == 3
