"""Greedy matching against the sequential loop that defines it."""

from itertools import product

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import cosine_score, edge_pairs
from pyg_grapheme.nn.pool.clustering.matching import greedy_matching, tie_order
from pyg_grapheme.testing import (
    assert_gradients_match,
    enumerate_clusterings,
    expected_value,
)


def loop(pairs: list[list[int]], num_nodes: int) -> list[int]:
    """Take each pair whose nodes are both free, best pair first."""
    free, taken = [True] * num_nodes, []
    for k, (i, j) in enumerate(pairs):
        if free[i] and free[j]:
            free[i] = free[j] = False
            taken.append(k)
    return taken


def random_pairs(seed: int) -> tuple[int, Tensor, Tensor]:
    """Pairs of a random graph of up to 30 nodes, with scores of which many tie."""
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.randint(2, 30, (), generator=generator))
    edges = torch.randint(
        n, (2, int(torch.randint(80, (), generator=generator))), generator=generator
    )
    pairs = edge_pairs(edges, n)
    return n, pairs, torch.randint(4, pairs.shape[1:], generator=generator).double()


def test_rounds_take_what_the_loop_takes() -> None:
    for seed in range(50):
        n, pairs, score = random_pairs(seed)
        order = tie_order(score, pairs, torch.zeros(n).long(), 1)
        ordered = score[order]
        assert sorted(order.tolist()) == list(range(len(score))), seed
        assert bool((ordered[1:] <= ordered[:-1]).all()), seed
        expected = torch.zeros(len(score), dtype=torch.bool)
        expected[order[loop(pairs[:, order].T.tolist(), n)]] = True
        assert torch.equal(greedy_matching(pairs, order, n), expected), seed


def test_ties_are_broken_alike_alone_and_in_a_batch() -> None:
    for seed in range(10):
        n, pairs, score = random_pairs(seed)
        alone = tie_order(score, pairs, torch.zeros(n).long(), 1)
        batch = torch.tensor([0] * 5 + [1] * n)
        assert torch.equal(tie_order(score, pairs + 5, batch, 2), alone), seed


def test_ties_do_not_follow_the_numbering() -> None:
    """On a chain of equal scores, taking pairs in the order of nodes would match every one."""
    n = 1000
    nodes = torch.arange(n)
    pairs = torch.stack([nodes[:-1], nodes[1:]])
    order = tie_order(torch.ones(n - 1), pairs, torch.zeros(n).long(), 1)
    taken = greedy_matching(pairs, order, n)
    # Random sequential matching of a long path leaves 1 / e^2 of its nodes alone (Flory 1939).
    alone = 1 - 2 * taken.sum().item() / n
    assert alone == pytest.approx(0.1353, abs=0.04)


def test_scores_that_fall_along_a_chain_match_every_other_pair() -> None:
    n = 101
    nodes = torch.arange(n)
    pairs = torch.stack([nodes[:-1], nodes[1:]])
    taken = greedy_matching(pairs, torch.arange(n - 1), n)
    assert taken.nonzero().view(-1).tolist() == list(range(0, n - 1, 2))


def greedy_clusters(score: Tensor, pairs: Tensor, threshold: float, n: int) -> list[int]:
    """Clusters of one graph at a threshold, by the loop; scores must differ."""
    order = score.argsort(descending=True)
    order = order[score[order] > threshold]
    root = list(range(n))
    for k in loop(pairs[:, order].T.tolist(), n):
        i, j = pairs[:, order[k]].tolist()
        root[j] = root[i]
    names = sorted(set(root))
    return [names.index(r) for r in root]


def test_forward_merges_what_the_loop_takes(draw_graphs) -> None:
    for seed, threshold in product(range(5), (0.05, 0.5, 0.9)):
        graphs = draw_graphs(seed, [9, 1, 6])
        pool = ThresholdMergePool(threshold, merge="matching", estimator="none")
        found = pool(*graphs).history.cluster
        pairs = edge_pairs(graphs.edge_index, 16)
        score = cosine_score(graphs.x, pairs)
        expected = greedy_clusters(score, pairs, threshold, 16)
        assert found.tolist() == expected, (seed, threshold)
        shuffled = graphs.edge_index[:, torch.randperm(graphs.edge_index.size(1))]
        again = pool(graphs.x, shuffled, None, graphs.batch, graphs.batch_size)
        assert torch.equal(again.history.cluster, found), (seed, threshold)


def test_the_expectation_is_that_of_the_oracle(draw_graphs, fourth_powers) -> None:
    pool = ThresholdMergePool(0.3, merge="matching", temperature=0.2).double()
    for seed in range(5):
        x, edge_index, *_ = draw_graphs(seed, [7])
        found = enumerate_clusterings(x.tolist(), edge_index.T.tolist(), merge="matching")
        expected = expected_value(
            lambda clusters, x=x: sum(float(x[part].mean(0).pow(4).sum()) for part in clusters),
            found,
            pool.threshold.item(),
            0.2,
        )
        cuts = pool.cuts(x, edge_index)
        mean = cuts.expectation(fourth_powers(cuts)).item()
        assert mean == pytest.approx(expected, rel=1e-10), seed


def test_central_differences_of_the_expectation(draw_graphs, fourth_powers) -> None:
    for seed in range(3):
        graphs = draw_graphs(seed, [7, 1, 4])
        pool = ThresholdMergePool(0.3, merge="matching", temperature=0.2).double()

        def expectation(x: Tensor, _: Tensor, graphs=graphs, pool=pool) -> Tensor:
            cuts = pool.cuts(x, *graphs[1:])
            return cuts.expectation(fourth_powers(cuts))

        assert_gradients_match(expectation, [graphs.x, pool.raw_threshold])


def test_a_matching_has_at_most_two_members_per_cluster(draw_graphs) -> None:
    graphs = draw_graphs(0, [30, 20], edges_per_node=4.0)
    history = ThresholdMergePool(0.01, merge="matching")(*graphs).history
    assert history.cluster.bincount().max() == 2
