"""Random batches of graphs, and all rewirings of a graph, one by one, in plain Python."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.testing.oracle import cosine

Edge = tuple[int, int]


@pytest.fixture
def draw_graphs(draw_graphs: Callable[..., Any]) -> Callable[..., Any]:
    """Draw sparser graphs, in which an edge goes both ways."""
    return partial(draw_graphs, edges_per_node=1.5, reverse=True)


class Directional(nn.Module):
    """A learned score, or its logit, that tells source and target apart."""

    def __init__(self, logits: bool = False) -> None:
        super().__init__()
        self.logits = logits
        self.weight = nn.Parameter(torch.tensor([[0.5, -1.0, 2.0], [1.0, 0.5, -0.3]]).double())

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        logit = x_i @ self.weight[0] + x_j @ self.weight[1]
        return logit if self.logits else logit.sigmoid()

    def of(self, left: Sequence[float], right: Sequence[float]) -> float:
        """The same in plain Python."""
        of_i, of_j = self.weight.tolist()
        logit = sum(a * b for a, b in zip([*of_i, *of_j], [*left, *right], strict=True))
        return logit if self.logits else 1 / (1 + math.exp(-logit))


@pytest.fixture
def directional() -> type[Directional]:
    return Directional


class Rewiring(NamedTuple):
    """The edges of one graph for all thresholds in [low, high), each with its input edge or -1."""

    high: float
    low: float
    edges: list[tuple[int, int, int]]


def enumerate_rewirings(
    x: Sequence[Sequence[float]],
    edges: Sequence[Edge],
    *,
    candidates: str = "edges",
    k: int | None = None,
    keep_edges: bool = False,
    directed: bool = False,
    score: Callable[..., float] = cosine,
) -> list[Rewiring]:
    """List the edges of one graph for all thresholds, the fewest first."""

    def pair_of(edge: Edge) -> Edge:
        return edge if directed else (min(edge), max(edge))

    joined = {pair_of(edge) for edge in edges if edge[0] != edge[1]}
    offered = {pair_of(edge) for edge in permutations(range(len(x)), 2)}
    if candidates != "all":
        offered = set(joined)
    if candidates == "knn":
        for i in range(len(x)):
            others = [j for j in range(len(x)) if j != i]
            others.sort(key=lambda j: (-round(cosine(x[i], x[j]), 9), j))
            offered |= {pair_of((j, i)) for j in others[:k]}
    if keep_edges:
        offered -= joined
    scores = {
        (i, j): score(x[i], x[j]) if directed else (score(x[i], x[j]) + score(x[j], x[i])) / 2
        for i, j in offered
    }
    levels = [math.inf, *sorted(set(scores.values()), reverse=True), -math.inf]
    found = []
    for high, low in pairwise(levels):
        out = [
            (*edge, index)
            for index, edge in enumerate(edges)
            if scores.get(pair_of(edge), math.inf) >= high or edge[0] == edge[1]
        ]
        if keep_edges:
            out = [(*edge, index) for index, edge in enumerate(edges)]
        new = [pair for pair in offered - joined if scores[pair] >= high]
        if not directed:
            new += [(j, i) for i, j in new]
        found.append(Rewiring(high, low, out + [(*edge, -1) for edge in sorted(new)]))
    return found


@pytest.fixture
def rewirings_of() -> Callable[..., list[Rewiring]]:
    """List the rewirings of one graph of a batch, in nodes and edges of the batch."""

    def of(graphs: Any, graph: int, **options: object) -> list[Rewiring]:
        nodes = (graphs.batch == graph).nonzero().view(-1).tolist()
        owner = graphs.batch[graphs.edge_index[0]]
        own = (owner == graph).nonzero().view(-1).tolist()
        first = nodes[0] if nodes else 0
        edges = [(u - first, v - first) for u, v in graphs.edge_index[:, own].T.tolist()]
        found = enumerate_rewirings(graphs.x[nodes].tolist(), edges, **options)
        return [
            r._replace(
                edges=[(u + first, v + first, own[e] if e >= 0 else -1) for u, v, e in r.edges]
            )
            for r in found
        ]

    return of
