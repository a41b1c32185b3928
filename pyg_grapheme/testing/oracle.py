"""The expectation over merges by brute force; shares no code with what it is held against.

Plain Python numbers, loops, and networkx: slow, short, and as close to the definition as can be.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

import networkx as nx

Node = int
Features = Sequence[Sequence[float]]
Edges = Sequence[tuple[Node, Node]]
Score = Callable[[Sequence[float], Sequence[float]], float]
Clusters = list[list[Node]]


class Clustering(NamedTuple):
    """What comes of all thresholds from ``low`` on and below ``high``.

    Attributes:
        high: The score that the last merge needed; infinity where nothing is merged.
        low: The next score down; minus infinity where there is none.
        clusters: Sorted, and so are the nodes in each.
    """

    high: float
    low: float
    clusters: Clusters


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """Cosine of two lists of numbers; 0 where one of them is all zeros."""
    lengths = math.hypot(*left) * math.hypot(*right)
    dot = math.fsum(a * b for a, b in zip(left, right, strict=True))
    return dot / lengths if lengths else 0.0


def enumerate_clusterings(
    x: Features,
    edges: Edges,
    *,
    candidates: Literal["edges", "all"] = "edges",
    merge: Literal["components", "matching"] = "components",
    acyclic: bool = False,
    score: Score = cosine,
) -> list[Clustering]:
    """List every clustering of one graph that some threshold gives, finest first.

    Args:
        x: Features of the n nodes.
        edges: Directed; self-loops and repeats are allowed.
        candidates: As for the pool, and so are ``merge`` and ``acyclic``.
        merge: Scores must differ for "matching".
        acyclic: The edges must be without a cycle.
        score: Symmetric, of two nodes' features.
    """
    pairs = combinations(range(len(x)), 2) if candidates == "all" else edges
    scores = {(min(p), max(p)): score(x[min(p)], x[max(p)]) for p in pairs if p[0] != p[1]}
    levels = [math.inf, *sorted(set(scores.values()), reverse=True), -math.inf]
    if merge == "matching" and len(levels) - 2 < len(scores):
        raise ValueError("Expected all scores to differ, for merge='matching' (got two alike)")
    found = []
    for high, low in pairwise(levels):
        above = sorted((pair for pair in scores if scores[pair] >= high), key=lambda p: -scores[p])
        graph = nx.Graph()
        graph.add_nodes_from(range(len(x)))
        graph.add_edges_from(_matched(above) if merge == "matching" else above)
        clusters = sorted(sorted(part) for part in nx.connected_components(graph))
        found.append(Clustering(high, low, _condensed(clusters, edges) if acyclic else clusters))
    return found


def expected_value(
    value: Callable[[Clusters], float],
    clusterings: Sequence[Clustering],
    threshold: float,
    temperature: float,
) -> float:
    """Average a value over a logistic threshold, by the probability of each interval."""
    return math.fsum(
        (_above(c.high, threshold, temperature) - _above(c.low, threshold, temperature))
        * value(c.clusters)
        for c in clusterings
    )


def _above(score: float, threshold: float, temperature: float) -> float:
    """Probability that the noisy threshold lies below the score."""
    if math.isinf(score):
        return float(score > 0)
    return 0.5 * (1 + math.tanh((score - threshold) / (2 * temperature)))


def _matched(pairs: Edges) -> list[tuple[Node, Node]]:
    """Go through pairs, best first, and take each whose nodes are both free."""
    taken: list[tuple[Node, Node]] = []
    busy: set[Node] = set()
    for pair in pairs:
        if busy.isdisjoint(pair):
            taken.append(pair)
            busy.update(pair)
    return taken


def _condensed(clusters: Clusters, edges: Edges) -> Clusters:
    """Merge the clusters that lie on a cycle of the quotient."""
    of_node = {node: number for number, cluster in enumerate(clusters) for node in cluster}
    quotient = nx.DiGraph()
    quotient.add_nodes_from(range(len(clusters)))
    quotient.add_edges_from((of_node[u], of_node[v]) for u, v in edges)
    parts = nx.strongly_connected_components(quotient)
    return sorted(sorted(node for number in part for node in clusters[number]) for part in parts)
