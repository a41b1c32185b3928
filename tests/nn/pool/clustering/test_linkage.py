"""Average and complete linkage against exact fractions and SciPy."""

from fractions import Fraction

import pytest
import torch
from scipy.cluster.hierarchy import linkage
from torch import Tensor

from pyg_grapheme.nn.pool import ScoredPairs
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.clustering.linkage import keep_linkage
from pyg_grapheme.nn.pool.clustering.matching import tie_order

LINKAGES = ("average", "complete")


def reference(
    pairs: Tensor, score: Tensor, name: str, batch: Tensor, num_graphs: int
) -> list[tuple[Fraction, list[int]]]:
    """Merge the best pair of clusters until none is left; the height and labels of each step."""
    order = tie_order(score, pairs, batch, num_graphs)
    exact = [Fraction(round(s * 2**34) if name == "average" else s) for s in score.tolist()]
    between: dict[frozenset[int], list[int]] = {}
    for rank, k in enumerate(order.tolist()):
        between[frozenset(pairs[:, k].tolist())] = [rank]
    by_rank = [exact[k] for k in order.tolist()]
    label = list(range(batch.numel()))
    steps = []

    def similarity(ranks: list[int]) -> tuple[Fraction, int]:
        scores = [by_rank[r] for r in ranks]
        value = min(scores) if name == "complete" else sum(scores, Fraction()) / len(scores)
        return value, -min(ranks)

    while between:
        best = max(between, key=lambda ends: similarity(between[ends]))
        height = similarity(between.pop(best))[0]
        a, b = sorted(best)
        for ends in [ends for ends in between if b in ends]:
            (c,) = ends - {b}
            between.setdefault(frozenset((a, c)), []).extend(between.pop(ends))
        label = [a if c == b else c for c in label]
        steps.append((height / (2**34 if name == "average" else 1), label))
    return steps


def random_batch(seed: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Pairs, scores, of which many tie in every third case, and a batch of up to four graphs."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(0, 12, (4,), generator=generator)
    batch = torch.repeat_interleave(sizes)
    pairs = torch.combinations(torch.arange(batch.numel())).view(-1, 2).T
    pairs = pairs[:, batch[pairs[0]] == batch[pairs[1]]]
    share = torch.rand((), generator=generator)
    pairs = pairs[:, torch.rand(pairs.size(1), generator=generator) < share]
    score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
    if seed % 3 == 0:
        score = (score * 4).floor() / 4
    return pairs, score, batch, 4


def roots(merges: ScoredPairs, num_nodes: int, threshold: float) -> list[int]:
    return component_roots(merges.pairs[:, merges.score > threshold], num_nodes).tolist()


def test_trees_are_those_of_exact_fractions() -> None:
    for seed in range(300):
        pairs, score, batch, num_graphs = random_batch(seed)
        for name in LINKAGES:
            merges = keep_linkage(ScoredPairs(pairs, score), name, batch, num_graphs)
            steps = reference(pairs, score, name, batch, num_graphs)
            heights = sorted(merges.score.tolist(), reverse=True)
            expected = sorted((float(height) for height, _ in steps), reverse=True)
            assert heights == pytest.approx(expected, abs=1e-9), (seed, name)
            for k, (height, label) in enumerate(steps):
                if k + 1 == len(steps) or height - steps[k + 1][0] > 2e-9:
                    cut = float(height) - 1e-9
                    assert roots(merges, batch.numel(), cut) == label, (seed, name, k)


def test_heights_of_complete_graphs_are_scipys() -> None:
    for n in (2, 3, 8, 60):
        pairs = torch.combinations(torch.arange(n)).T
        generator = torch.Generator().manual_seed(n)
        score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
        for name in LINKAGES:
            merges = keep_linkage(ScoredPairs(pairs, score), name, torch.zeros(n).long(), 1)
            expected = 1 - linkage((1 - score).numpy(), method=name)[:, 2]
            heights = sorted(merges.score.tolist(), reverse=True)
            assert heights == pytest.approx(expected.tolist(), abs=1e-10), (n, name)
