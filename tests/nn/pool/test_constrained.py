"""Clusters under constraints against a greedy loop over explicit clusters."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import ThresholdMergePool
from pyg_grapheme.nn.pool.clustering.constrained import constrained_clusters
from pyg_grapheme.nn.pool.clustering.matching import tie_order
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints

MERGES = ("components", "average", "complete")
MEASURE: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "components": max,
    "average": lambda scores: sum(scores, Fraction(0)) / len(scores),
    "complete": min,
}


class Table(NamedTuple):
    """Random candidates, with ties, and constraints that do not contradict each other."""

    pairs: Tensor
    score: Tensor
    num_nodes: int
    constraints: MergeConstraints


def pairs_of(rows: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.long).view(-1, 2).T


def is_allowed(cluster: set[int], constraints: MergeConstraints) -> bool:
    """Whether a cluster breaks no constraint, by their definitions."""
    _, apart, max_size, source = constraints
    if max_size is not None and len(cluster) > max_size:
        return False
    if apart is not None and any({a, b} <= cluster for a, b in apart.T.tolist()):
        return False
    known = [] if source is None else [source[i].item() for i in cluster if source[i] >= 0]
    return len(known) == len(set(known))


def closures(num_nodes: int, together: Tensor | None) -> list[set[int]]:
    clusters = [{i} for i in range(num_nodes)]
    for a, b in [] if together is None else together.T.tolist():
        joined = [c for c in clusters if a in c or b in c]
        clusters = [c for c in clusters if c not in joined] + [set().union(*joined)]
    return clusters


def draw_table(seed: int) -> Table:
    """Up to 14 nodes; scores are multiples of an eighth, so that sums are exact and many tie."""
    g = torch.Generator().manual_seed(seed)

    def rand(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=g))

    n = rand(1, 15)
    every = pairs_of(list(combinations(range(n), 2)))
    every = every[:, torch.randperm(every.size(1), generator=g)]
    pairs = every[:, : rand(0, every.size(1) + 1)]
    if seed % 3 == 0:  # in any direction, some twice
        pairs = torch.cat([pairs.flip(0), pairs[:, :3]], dim=1)
    score = torch.randint(-4, 5, (pairs.size(1),), generator=g) / 8
    source = torch.randint(-1, 5, (n,), generator=g) if rand(0, 2) else None
    max_size = rand(1, n + 1) if rand(0, 2) else None
    constraints = MergeConstraints(None, None, max_size, source)
    kinds: dict[str, list[tuple[int, int]]] = {"together": [], "apart": []}
    for name in ("together", "apart"):
        for _ in range(rand(0, 6)):
            pair = rand(0, n), rand(0, n)
            rows = pairs_of([*kinds[name], pair])
            trial = constraints._replace(**{name: rows})
            if all(is_allowed(c, trial) for c in closures(n, trial.together)):
                kinds[name].append(pair)
                constraints = trial
    if constraints.apart is not None:  # a node is not apart from itself
        apart = constraints.apart
        constraints = constraints._replace(apart=apart[:, apart[0] != apart[1]])
    return Table(pairs, score, n, constraints)


def greedy(table: Table, threshold: float, merge: str, asked: set[str] | None = None) -> list[int]:
    """Merge the most similar linked clusters that may merge, until none is above the threshold."""
    pairs, score, n, constraints = table
    ordered = pairs.sort(dim=0).values
    order = tie_order(score, ordered, torch.zeros(n, dtype=torch.long), 1).tolist()
    rows = [(*pairs[:, i].tolist(), Fraction(score[i].item()), -k) for k, i in enumerate(order)]
    clusters = closures(n, constraints.together)
    while True:
        options = []
        for a, b in combinations(clusters, 2):
            own = [row for row in rows if {row[0], row[1]} & a and {row[0], row[1]} & b]
            similarity = MEASURE[merge]([row[2] for row in own]) if own else None
            if similarity is None or similarity <= Fraction(threshold):
                continue
            if is_allowed(a | b, constraints):
                options.append((similarity, max(row[3] for row in own), a, b))
            elif asked is not None:
                asked.add("refused")
        if not options:
            break
        _, _, a, b = max(options, key=lambda option: option[:2])
        clusters = [c for c in clusters if c not in (a, b)] + [a | b]
    clusters.sort(key=min)
    return [next(k for k, c in enumerate(clusters) if i in c) for i in range(n)]


@pytest.mark.parametrize("merge", MERGES)
def test_clusters_are_those_of_the_greedy_loop(merge: str) -> None:
    refused, changed = 0, 0
    for seed in range(200):
        table = draw_table(seed)
        pairs, score, n, constraints = table
        asked: set[str] = set()
        threshold = (-1.0, -0.25, 0.125)[seed % 3]
        expected = greedy(table, threshold, merge, asked)
        options = {"merge": merge, "constraints": constraints}
        found = constrained_clusters(pairs, score, n, threshold, **options)
        assert found.tolist() == expected, seed
        for cluster in range(int(found.max()) + 1):
            members = set((found == cluster).nonzero().view(-1).tolist())
            assert is_allowed(members, constraints), seed
        if constraints.together is not None:
            assert torch.equal(*found[constraints.together]), seed
        free = constrained_clusters(
            pairs, score, n, threshold, merge=merge, constraints=MergeConstraints()
        )
        refused += len(asked)
        changed += not torch.equal(free, found)
    assert min(refused, changed) > 50


@pytest.mark.parametrize("merge", MERGES)
def test_thresholds_of_components(merge: str) -> None:
    for first, second in pairwise(range(0, 100, 2)):
        # Without ties inside of a table; across the two, many are equally far from their threshold.
        tables = [
            t._replace(score=t.score + torch.arange(t.score.numel()) / 4096)
            for t in (draw_table(first), draw_table(second))
        ]
        levels, sizes = [-0.25, 0.125], torch.tensor([t.num_nodes for t in tables])
        constraints = tables[0].constraints._replace(max_size=None, source=None)
        tables[0] = tables[0]._replace(constraints=constraints)
        tables[1] = tables[1]._replace(constraints=MergeConstraints())
        found = constrained_clusters(
            torch.cat([tables[0].pairs, tables[1].pairs + sizes[0]], dim=1),
            torch.cat([t.score for t in tables]),
            int(sizes.sum()),
            torch.tensor(levels).repeat_interleave(sizes),
            merge=merge,
            constraints=constraints,
        )
        for table, level, own in zip(tables, levels, found.split(sizes.tolist()), strict=True):
            expected = greedy(table, level, merge)
            assert (own - own.min()).tolist() == expected, (first, second)


@pytest.mark.parametrize("merge", MERGES)
def test_without_constraints_it_is_the_cut_of_the_tree(merge: str) -> None:
    for seed in range(30):
        g = torch.Generator().manual_seed(seed)
        batch = torch.arange(3).repeat_interleave(torch.randint(0, 15, (3,), generator=g))
        n = batch.numel()
        edge_index = pairs_of(
            [(a, b) for a, b in combinations(range(n), 2) if batch[a] == batch[b]]
        )
        edge_index = edge_index[:, torch.rand(edge_index.size(1), generator=g) < 0.6]
        score = torch.randn(edge_index.size(1), generator=g, dtype=torch.double)
        if seed % 3:  # ties, of which sums are exact or not
            score = (score * 2).round() / (2, 3)[seed % 3 - 1]
        score = score if seed % 2 else score.float()
        pool = ThresholdMergePool(merge=merge, logits=True).to(score.dtype)
        x = torch.ones(n, 1, dtype=score.dtype)
        tree = pool.dendrogram(x, edge_index, None, batch, 3, edge_score=score)
        heights = tree.height.detach().unique()[::5]
        given = torch.randn(3, generator=g)
        for threshold in (*heights, *(heights + 0.01).tolist(), -5, given):
            at = threshold
            if isinstance(threshold, Tensor) and threshold.dim():
                at = threshold[batch]
            for constraints in (MergeConstraints(), MergeConstraints(max_size=max(n, 1))):
                found = constrained_clusters(
                    edge_index, score, n, at, merge=merge, constraints=constraints, batch=batch
                )
                assert torch.equal(found, tree.cut(threshold)), (seed, threshold)


def test_a_refused_pair_does_not_count_for_other_clusters() -> None:
    # 0 and 1 stay apart, 2 is nearer to 0; then 1 is nearest to 2, in the cluster of 0.
    pairs, score = pairs_of([(0, 1), (0, 2), (1, 2), (1, 3)]), torch.tensor([0.9, 0.8, 0.7, 0.6])
    constraints = MergeConstraints(apart=pairs_of([(1, 0)]))
    for merge in MERGES:
        found = constrained_clusters(pairs, score, 4, 0.5, merge=merge, constraints=constraints)
        assert found.tolist() == [0, 1, 0, 1], merge


def test_without_candidates_only_what_is_together_is_joined() -> None:
    for merge, pairs in product(MERGES, (pairs_of([]), pairs_of([(1, 4), (2, 4)]))):
        found = constrained_clusters(
            pairs.int(),
            torch.zeros(pairs.size(1), dtype=torch.half),
            5,
            0,
            merge=merge,
            constraints=MergeConstraints(together=pairs_of([(4, 1), (1, 1), (3, 4)])),
        )
        assert found.tolist() == [0, 1, 2, 1, 1], merge
        none = {"merge": merge, "constraints": MergeConstraints()}
        assert constrained_clusters(pairs_of([]), torch.empty(0), 0, 0.5, **none).tolist() == []
