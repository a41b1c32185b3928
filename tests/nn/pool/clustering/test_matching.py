"""Greedy matching against the sequential loop that defines it."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pyg_grapheme.nn.pool import edge_pairs
from pyg_grapheme.nn.pool.clustering.matching import greedy_matching, tie_order
from pyg_grapheme.nn.pool.clustering.matching_blocks import match_all_pairs


def loop(pairs: list[list[int]], num_nodes: int) -> list[int]:
    """Take each pair whose nodes are both free, best pair first."""
    free, taken = [True] * num_nodes, []
    for k, (i, j) in enumerate(pairs):
        if free[i] and free[j]:
            free[i] = free[j] = False
            taken.append(k)
    return taken


class CountOperations(TorchDispatchMode):
    """Count tensor operations."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def random_pairs(seed: int, num_nodes: int = 30) -> tuple[int, Tensor, Tensor]:
    """Pairs of a random graph with at most so many nodes, with scores of which many tie."""
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.randint(2, num_nodes, (), generator=generator))
    num_edges = int(torch.randint(3 * num_nodes, (), generator=generator))
    pairs = edge_pairs(torch.randint(n, (2, num_edges), generator=generator), n)
    return n, pairs, torch.randint(4, pairs.shape[1:], generator=generator).double()


def test_the_best_pair_comes_first() -> None:
    """Few pairs are taken by the loop alone, many by rounds and the loop."""
    for seed in range(50):
        n, pairs, score = random_pairs(seed, num_nodes=30 if seed < 40 else 3000)
        order = tie_order(score, pairs, torch.zeros(n).long(), 1)
        ordered = score[order]
        assert sorted(order.tolist()) == list(range(len(score))), seed
        assert bool((ordered[1:] <= ordered[:-1]).all()), seed
        expected = sorted(order[loop(pairs[:, order].T.tolist(), n)].tolist())
        assert greedy_matching(pairs, order, n).tolist() == expected, seed


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
    alone = 1 - 2 * taken.numel() / n
    assert alone == pytest.approx(0.1353, abs=0.04)


def test_the_number_of_operations_does_not_grow_where_scores_fall_along_a_chain() -> None:
    n = 3001
    nodes = torch.arange(n)
    pairs = torch.stack([nodes[:-1], nodes[1:]])
    with CountOperations() as operations:
        taken = greedy_matching(pairs, torch.arange(n - 1), n)
    assert taken.tolist() == list(range(0, n - 1, 2))
    assert operations.count < 100


def test_all_pairs_are_scored_twice_at_most_where_all_nodes_have_the_same_best_partner() -> None:
    """A round that takes the pairs that are the best of both their nodes would take one pair."""
    n, scored = 200, []

    def score(pairs: Tensor) -> Tensor:
        scored.append(pairs.size(1))
        return -pairs.double().square().sum(0)

    batch = torch.zeros(n).long()
    found = match_all_pairs(score, batch, 1, block_size=5000)
    assert found.pairs.T.tolist() == [[i, i + 1] for i in range(0, n, 2)]
    assert sum(scored) < n * n
