"""Greedy matching against the sequential loop that defines it."""

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import edge_pairs
from pyg_grapheme.nn.pool.clustering.matching import greedy_matching, tie_order


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
