"""Average and complete linkage against exact fractions and SciPy."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import product

import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from pyg_grapheme.nn.pool import ScoredPairs, edge_pairs, single_linkage
from pyg_grapheme.nn.pool.clustering import agglomerate
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.nn.pool.clustering.linkage import keep_linkage
from pyg_grapheme.nn.pool.clustering.matching import tie_order

LINKAGES = ("average", "complete")
ROUNDS, HEAP, BOTH = (0, 0.0), (10**9, 0.0), (0, 0.1)
"""Values of ``LEAST_LINKS`` and ``LEAST_SHARE``: rounds alone, one round, several rounds."""

Steps = list[tuple[Fraction, list[int]]]


def reference(pairs: Tensor, score: Tensor, name: str, batch: Tensor) -> Steps:
    """Merge the best pair of clusters until none is left; the height and the labels of each."""
    order = tie_order(score, pairs, batch, 4)
    unit = 2**34 if name == "average" else 1
    exact = [Fraction(s) for s in score[order].tolist()]
    if name == "average":
        exact = [Fraction(round(s * unit)) for s in exact]
    ends = map(frozenset, pairs[:, order].T.tolist())
    # Sum or minimum, number and best rank of the pairs between two clusters.
    between = {e: (s, 1, -rank) for rank, (e, s) in enumerate(zip(ends, exact, strict=True))}
    label, steps = list(range(batch.numel())), []
    while between:
        best = max(between, key=lambda e: (between[e][0] / between[e][1], between[e][2]))
        total, count, _ = between.pop(best)
        a, b = sorted(best)
        for old in [e for e in between if b in e]:
            value, new = between.pop(old), (old - {b}) | {a}
            if new in between:
                (s, n, r), (t, m, q) = value, between[new]
                value = (
                    (s + t, n + m, max(r, q)) if name == "average" else (min(s, t), 1, max(r, q))
                )
            between[new] = value
        label = [a if c == b else c for c in label]
        steps.append((total / count / unit, label))
    return steps


def random_batches(count: int, kinds: tuple[str, ...]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Pairs and scores of four random graphs of up to eleven nodes, as a batch."""
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        batch = torch.repeat_interleave(torch.randint(0, 12, (4,), generator=generator))
        pairs = torch.combinations(torch.arange(batch.numel())).view(-1, 2).T
        pairs = pairs[:, batch[pairs[0]] == batch[pairs[1]]]
        share = torch.rand((), generator=generator)
        pairs = pairs[:, torch.rand(pairs.size(1), generator=generator) < share]
        score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
        kind = kinds[seed % len(kinds)]
        if kind == "quarters":
            score = (score * 4).floor() / 4
        elif kind == "thirds":
            score = (score * 4).floor() / 3
        elif kind == "large":
            score = score * 2**17 - 2**16
        yield pairs, score, batch


def roots(merges: ScoredPairs, num_nodes: int, threshold: float | Tensor) -> list[int]:
    return component_roots(merges.pairs[:, merges.score > threshold], num_nodes).tolist()


def set_path(monkeypatch: pytest.MonkeyPatch, path: tuple[int, float]) -> None:
    monkeypatch.setattr(agglomerate, "LEAST_LINKS", path[0])
    monkeypatch.setattr(agglomerate, "LEAST_SHARE", path[1])


def test_trees_are_those_of_exact_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = random_batches(150, ("distinct", "quarters", "large"))
    for case, name in product(enumerate(batches), LINKAGES):
        seed, (pairs, score, batch) = case
        steps = reference(pairs, score, name, batch)
        gap = 1e-15 * max(1, *score.abs().tolist()) if score.numel() else 0
        for path in (ROUNDS, HEAP):
            set_path(monkeypatch, path)
            merges = keep_linkage(ScoredPairs(pairs, score), name, batch, 4)
            heights = sorted(merges.score.tolist(), reverse=True)
            assert heights == pytest.approx([float(h) for h, _ in steps], abs=1e-10), seed
            for k, (height, label) in enumerate(steps):
                following = float(steps[k + 1][0]) if k + 1 < len(steps) else -1e9
                if following < height - gap:
                    cut = (float(height) + following) / 2
                    assert roots(merges, batch.numel(), cut) == label, (seed, name, path, k)


def test_every_cut_is_a_state_of_the_sequential_tree() -> None:
    """Heights that differ by a rounding do not rise: a cluster never merges before its parts."""
    for seed, (pairs, score, batch) in enumerate(random_batches(200, ("thirds",))):
        one = batch[pairs[0]] == batch[-1]
        merges = keep_linkage(ScoredPairs(pairs[:, one], score[one]), "average", batch, 4)
        labels = [label for _, label in reference(pairs[:, one], score[one], "average", batch)]
        for height in merges.score.unique().tolist()[:-1]:
            assert roots(merges, batch.numel(), height) in labels, seed


def test_a_least_score_gives_the_cut_of_the_whole_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    for case, name in product(enumerate(random_batches(12, ("distinct", "thirds"))), LINKAGES):
        seed, (pairs, score, batch) = case
        candidates = ScoredPairs(pairs, score.float())
        full = keep_linkage(candidates, name, batch, 4)
        heights = full.score.unique()[::2]
        per_graph = torch.rand(4, generator=torch.Generator().manual_seed(seed))[batch]
        for path, threshold in product((ROUNDS, HEAP), (*heights, *(heights - 0.01), per_graph)):
            set_path(monkeypatch, path)
            merges = keep_linkage(candidates, name, batch, 4, threshold)
            at, of_full = threshold, threshold
            if threshold.dim():
                at, of_full = threshold[merges.pairs[0]], threshold[full.pairs[0]]
            expected = roots(full, batch.numel(), of_full)
            assert roots(merges, batch.numel(), at) == expected, (seed, name, path)


def test_complete_graphs_are_clustered_as_by_scipy() -> None:
    for n, name in product((2, 3, 8, 60), LINKAGES):
        pairs = torch.combinations(torch.arange(n)).T
        generator = torch.Generator().manual_seed(n)
        score = torch.rand(pairs.size(1), generator=generator, dtype=torch.double)
        merges = keep_linkage(ScoredPairs(pairs, score), name, torch.zeros(n).long(), 1)
        tree = linkage((1 - score).numpy(), method=name)
        heights = merges.score.sort(descending=True).values.tolist()
        assert heights == pytest.approx((1 - tree[:, 2]).tolist(), abs=1e-10), (n, name)
        for cut in (0.3, 0.5, 0.7):
            mine = torch.tensor(roots(merges, n, cut))
            theirs = torch.from_numpy(fcluster(tree, 1 - cut, "distance"))
            same = (mine[:, None] == mine) == (theirs[:, None] == theirs)
            assert bool(same.all()), (n, name, cut)


def test_rounds_and_heap_agree_on_large_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    node = torch.arange(1, 2000)
    hub = torch.stack([torch.zeros_like(node), node])
    ring = torch.stack([node, node % 1999 + 1])
    random = torch.randint(2000, (2, 6000), generator=generator)
    # Components without a cycle beside one with cycles.
    chains = torch.cat([random[:, :50] % 20, ring[:, 30::9]], 1)
    for edges in (torch.cat([hub, ring], 1), random, chains):
        pairs = edge_pairs(edges, 2000)
        score = torch.rand(pairs.size(1), generator=generator)
        batch = torch.zeros(2000).long()
        for name in LINKAGES:
            trees = []
            for path in (ROUNDS, HEAP, BOTH):
                set_path(monkeypatch, path)
                merges = keep_linkage(ScoredPairs(pairs, score), name, batch, 1)
                cuts = [roots(merges, 2000, cut) for cut in (0.2, 0.4, 0.6, 0.8, -1)]
                trees.append((merges.score.sort().values.tolist(), cuts))
                part = keep_linkage(ScoredPairs(pairs, score), name, batch, 1, torch.tensor(0.6))
                assert roots(part, 2000, 0.6) == cuts[2], (name, path)
                assert edges is chains or bool((part.score > 0.599).all()), (name, path)
            assert trees[0] == trees[1] == trees[2], name
            assert len(trees[0][0]) == 2000 - len(set(component_roots(pairs, 2000).tolist()))


def test_equal_scores_have_one_height() -> None:
    pairs = torch.combinations(torch.arange(9)).T[:, ::2]
    batch = torch.zeros(9).long()
    for name, dtype in product(LINKAGES, (torch.float, torch.double)):
        score = torch.full(pairs.shape[1:], 0.7, dtype=dtype)
        candidates = ScoredPairs(pairs, score)
        merges = keep_linkage(candidates, name, batch, 1)
        assert merges.score.dtype == dtype
        assert torch.equal(merges.score, score[:8])
        above = keep_linkage(candidates, name, batch, 1, score[0]).score > score[0]
        assert not bool(above.any())


def test_sums_that_float64_does_not_hold_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise equal heights differ by roundings, and are no longer one step."""
    pairs = torch.combinations(torch.arange(30)).T
    score = torch.full((435,), 65535.7, dtype=torch.double, requires_grad=True)
    for path in (ROUNDS, HEAP):
        set_path(monkeypatch, path)
        merges = keep_linkage(ScoredPairs(pairs, score), "average", torch.zeros(30).long(), 1)
        for height in merges.score:
            (gradient,) = torch.autograd.grad(height, score, retain_graph=True)
            assert gradient.tolist() == pytest.approx([1 / 435] * 435), path


def test_nan_is_no_candidate_and_large_scores_are_an_error() -> None:
    pairs = torch.tensor([[0, 0, 1, 2], [1, 2, 2, 3]])
    batch = torch.zeros(4).long()
    for name in LINKAGES:
        score = torch.tensor([1.5, torch.nan, 0.5, torch.nan])
        merges = keep_linkage(ScoredPairs(pairs, score), name, batch, 1)
        assert merges.pairs.tolist() == [[0, 1], [1, 2]]
        assert merges.score.tolist() == score[[0, 2]].tolist()
        none = keep_linkage(ScoredPairs(pairs[:, :0], score[:0]), name, batch[:0], 0)
        assert none.pairs.shape == (2, 0)
        with pytest.raises(ValueError, match=rf"-65536, 65536\] for {name} .* \(got 65537\)"):
            keep_linkage(ScoredPairs(pairs, score - 65537.5), name, batch, 1)
    # An infinite score merges first; its height says that something overflowed.
    ring = torch.tensor([[0, 0, 1, 2, 3, 0], [1, 2, 2, 3, 4, 4]])
    score = torch.tensor([0.5, 0.4, torch.inf, 0.3, 0.2, 0.1])
    for name in LINKAGES:
        merges = keep_linkage(ScoredPairs(ring, score), name, torch.zeros(5).long(), 1)
        assert merges.pairs[:, 0].tolist() == [1, 2]
        assert merges.score.isfinite().tolist() == [False, True, True, True]


def heights_of(score: Tensor, pairs: Tensor, name: str, batch: Tensor) -> Tensor:
    return keep_linkage(ScoredPairs(pairs, score), name, batch, 4).score


def test_gradients_of_heights() -> None:
    for case, name in product(enumerate(random_batches(6, ("distinct",))), LINKAGES):
        seed, (pairs, score, batch) = case
        heights = partial(heights_of, pairs=pairs, name=name, batch=batch)
        assert torch.autograd.gradcheck(heights, score.requires_grad_()), (seed, name)


def test_ties_share_the_gradient_equally() -> None:
    # A ring of four equal pairs, a better pair at node 3, and worse pairs to node 5.
    pairs = torch.tensor([[0, 0, 1, 2, 3, 0, 4], [1, 3, 2, 3, 4, 5, 5]])
    batch = torch.zeros(6).long()
    values = [0.5, 0.5, 0.5, 0.5, 0.9, 0.1, 0.3]
    for name, last in (("average", [0.5, 0.5]), ("complete", [1, 0])):
        score = torch.tensor(values, dtype=torch.double, requires_grad=True)
        merges = keep_linkage(ScoredPairs(pairs, score), name, batch, 1)
        steps = single_linkage(merges, batch, 1, torch.tensor(0.5), 0.1).step_height
        expected = ([0, 0, 0, 0, 1, 0, 0], [0.25] * 4 + [0] * 3, [0] * 5 + last)
        for height, row in zip(steps, expected, strict=True):
            (gradient,) = torch.autograd.grad(height, score, retain_graph=True)
            assert gradient.tolist() == pytest.approx(row), name
