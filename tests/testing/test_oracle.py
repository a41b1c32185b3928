"""The pool's expectation and its gradients against the brute-force oracle."""

import math
import random
from collections import defaultdict
from itertools import combinations
from typing import get_args

import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import Cuts
from pyg_grapheme.testing.oracle import (
    Clusters,
    cosine,
    enumerate_clusterings,
    expected_value,
)
from pyg_grapheme.typing import MergeName

BATCHES = 200
STEP = 1e-5


class Learned(nn.Module):
    """sigmoid(a - sum of b (x_i - x_j)^2)."""

    def __init__(self, weight: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.double))

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return torch.sigmoid(self.weight[0] - ((x_i - x_j) ** 2) @ self.weight[1:])


def learned(weight: list[float]):
    def score(left: list[float], right: list[float]) -> float:
        square = sum(b * (p - q) ** 2 for b, p, q in zip(weight[1:], left, right, strict=True))
        return 1 / (1 + math.exp(square - weight[0]))

    return score


def loss_per_cut(cuts: Cuts) -> Tensor:
    """Sum the sines of features, a tenth of the squared number of clusters, products over edges."""
    out, size = cuts.output, cuts.num_cuts
    node = scatter(out.x.sum(1).sin(), out.batch, dim_size=size)
    count = scatter(torch.ones_like(out.x[:, 0]), out.batch, dim_size=size)
    u, v = out.edge_index
    edge = scatter((out.x[u] * out.x[v]).sum(1), out.batch[u], dim_size=size)
    return node + count**2 / 10 + edge


def loss_by_hand(clusters: Clusters, x: list[list[float]], edges: list[tuple[int, int]]) -> float:
    mean = [
        [math.fsum(column) / len(part) for column in zip(*(x[i] for i in part), strict=True)]
        for part in clusters
    ]
    of_node = {node: k for k, part in enumerate(clusters) for node in part}
    joined = {(of_node[u], of_node[v]) for u, v in edges if of_node[u] != of_node[v]}
    value = sum(math.sin(math.fsum(row)) for row in mean) + len(clusters) ** 2 / 10
    return value + sum(sum(a * b for a, b in zip(mean[u], mean[v], strict=True)) for u, v in joined)


class Case:
    """A random batch of small graphs and random options of a pool."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.options = {
            "merge": rng.choice(get_args(MergeName)),
            "candidates": rng.choice(["edges", "all"]),
            "acyclic": rng.random() < 0.3,
        }
        self.learns = rng.random() < 0.4
        self.temperature = rng.choice([0.05, 0.1, 0.3])
        self.sizes = [rng.choice([1, 1, 2, 3, 4, 5, 6]) for _ in range(rng.randint(1, 3))]
        self.graphs: list[list[tuple[int, int]]] = []
        for n in self.sizes:
            pairs = [(rng.randrange(n), rng.randrange(n)) for _ in range(rng.randint(0, 2 * n))]
            if self.options["acyclic"]:
                pairs = [(min(p), max(p)) for p in pairs if p[0] != p[1]]
            self.graphs.append(pairs)
        nodes = sum(self.sizes)
        self.x = [[rng.gauss(0, 1) for _ in range(2)] for _ in range(nodes)]
        self.raw = rng.uniform(-1, 1.5)
        self.weight = [rng.uniform(0, 2), rng.uniform(0.2, 1), rng.uniform(0.2, 1)]

    def edge_index(self) -> Tensor:
        first, edges = 0, []
        for n, pairs in zip(self.sizes, self.graphs, strict=True):
            edges += [(first + u, first + v) for u, v in pairs]
            first += n
        return torch.tensor(edges, dtype=torch.long).view(-1, 2).T

    def value(self, numbers: list[float]) -> tuple[float, list[Clusters]]:
        """Return the oracle's summed expectation and all clusterings.

        Args:
            numbers: x, the raw threshold and the weights.
        """
        rows = [numbers[2 * i : 2 * i + 2] for i in range(len(self.x))]
        raw, *weight = numbers[2 * len(self.x) :]
        score = {"score": learned(weight)} if self.learns else {}
        total, first, clusterings = 0.0, 0, []
        for n, pairs in zip(self.sizes, self.graphs, strict=True):
            x = rows[first : first + n]
            found = enumerate_clusterings(x, pairs, **self.options, **score)
            clusterings += [c.clusters for c in found]
            total += expected_value(
                lambda clusters, x=x, pairs=pairs: loss_by_hand(clusters, x, pairs),
                found,
                1 / (1 + math.exp(-raw)),
                self.temperature,
            )
            first += n
        return total, clusterings

    def numbers(self) -> list[float]:
        weight = self.weight if self.learns else []
        return [number for row in self.x for number in row] + [self.raw, *weight]

    def found(self) -> tuple[float, Tensor]:
        """Return the pool's value and gradient, in the order of ``numbers``."""
        options = {"score": Learned(self.weight)} if self.learns else {}
        pool = ThresholdMergePool(
            temperature=self.temperature, block_size=4, **self.options, **options
        ).double()
        with torch.no_grad():
            pool.raw_threshold.fill_(self.raw)
        x = torch.tensor(self.x, dtype=torch.double, requires_grad=True)
        batch = torch.repeat_interleave(torch.tensor(self.sizes))
        cuts = pool.cuts(x, self.edge_index(), None, batch)
        value = cuts.expectation(loss_per_cut(cuts)).sum()
        value.backward()
        gradients = [x.grad.flatten(), pool.raw_threshold.grad.view(1)]
        if self.learns:
            gradients.append(pool.score.weight.grad)
        return float(value.detach()), torch.cat(gradients)


def test_two_hundred_random_batches() -> None:
    """Max |a - n| / max(|n|_inf, 1e-3) < 1e-6, over batches whose gradient is above 1e-2."""
    seen: dict[str, int] = defaultdict(int)
    seed = 0
    while seen["all"] < BATCHES:
        case, seed = Case(seed), seed + 1
        value, gradient = case.found()
        numbers = case.numbers()
        wanted, clusterings = case.value(numbers)
        assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        numeric, is_near_a_tie = [], False
        for i, number in enumerate(numbers):
            (above, higher), (below, lower) = (
                case.value([*numbers[:i], moved, *numbers[i + 1 :]])
                for moved in (number + STEP, number - STEP)
            )
            is_near_a_tie |= not higher == lower == clusterings
            numeric.append((above - below) / (2 * STEP))
        if is_near_a_tie:
            continue
        expected = torch.tensor(numeric, dtype=torch.double)
        if expected.norm() < 1e-2:
            continue
        error = float((gradient - expected).abs().max() / expected.abs().max().clamp(min=1e-3))
        assert error < 1e-6, (seed - 1, error)
        seen["all"] += 1
        seen["one node"] += 1 in case.sizes
        seen["learned"] += case.learns
        for name, option in case.options.items():
            seen[f"{name}={option}"] += 1
    assert all(count >= 20 for count in seen.values()), dict(seen)
    assert len(seen) == 11


def test_complete_graphs_merge_as_scipy_says() -> None:
    rng = random.Random(0)
    for n in (2, 5, 9):
        x = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(n)]
        distance = [1 - cosine(left, right) for left, right in combinations(x, 2)]
        for merge in ("average", "complete"):
            found = enumerate_clusterings(x, [], candidates="all", merge=merge)
            tree = linkage(distance, method=merge)
            assert [1 - c.high for c in found[1:]] == pytest.approx(tree[:, 2].tolist())
            for k, clustering in enumerate(found):
                label = fcluster(tree, n - k, criterion="maxclust").tolist()
                parts = [[i for i in range(n) if label[i] == name] for name in set(label)]
                assert clustering.clusters == sorted(parts)


def test_ties_that_a_rule_would_have_to_break_are_an_error() -> None:
    x = [[0.0], [1.0], [2.0], [4.0], [5.0]]
    score = {"score": lambda left, right: -abs(left[0] - right[0])}
    apart, path = [(0, 1), (3, 4)], [(0, 1), (1, 2)]
    for merge in ("average", "complete", "matching"):
        (_, step) = enumerate_clusterings(x, apart, merge=merge, **score)
        assert step == (-1, -math.inf, [[0, 1], [2], [3, 4]])
        with pytest.raises(ValueError, match=r"equally similar to two others, .* \(got -1 twice\)"):
            enumerate_clusterings(x, path, merge=merge, **score)
    assert enumerate_clusterings(x, path, **score)[-1].clusters == [[0, 1, 2], [3], [4]]
