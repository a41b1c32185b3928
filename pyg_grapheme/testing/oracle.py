"""Brute-force expectation over merges, which shares no code with the pool.

Plain numbers, loops and networkx (imported on use), close to the definition and slow.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

Node = int
Features = Sequence[Sequence[float]]
Edges = Sequence[tuple[Node, Node]]
Score = Callable[[Sequence[float], Sequence[float]], float]
Clusters = list[list[Node]]


class Clustering(NamedTuple):
    """Clustering for all thresholds in [low, high).

    Attributes:
        high: Lowest score that is merged; infinity if there is none.
        low: Next lower score; minus infinity if there is none.
        clusters: Sorted list of clusters, each a sorted list of nodes.
    """

    high: float
    low: float
    clusters: Clusters


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the cosine of two vectors, 0 if one of them is zero."""
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
    """List the clusterings of one graph for all thresholds, finest first.

    Args:
        x: Features of the n nodes.
        edges: Directed edges; self-loops and repeated edges are allowed.
        candidates: Option of the pool.
        merge: Option of the pool.
        acyclic: Option of the pool; the edges must form no cycle.
        score: Symmetric function of the features of two nodes.

    Raises:
        ValueError: if two scores are equal with ``merge="matching"``.

    Cost: one pass of networkx over all pairs per distinct score.
    """
    import networkx as nx

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
    """Return the expected value under a logistic threshold, by the probability of each interval."""
    return math.fsum(
        (_above(c.high, threshold, temperature) - _above(c.low, threshold, temperature))
        * value(c.clusters)
        for c in clusterings
    )


def _above(score: float, threshold: float, temperature: float) -> float:
    """Return the probability that the noisy threshold is below the score."""
    if math.isinf(score):
        return float(score > 0)
    return 0.5 * (1 + math.tanh((score - threshold) / (2 * temperature)))


def _matched(pairs: Edges) -> list[tuple[Node, Node]]:
    """Return each pair whose nodes are both free, in the order given."""
    taken: list[tuple[Node, Node]] = []
    busy: set[Node] = set()
    for pair in pairs:
        if busy.isdisjoint(pair):
            taken.append(pair)
            busy.update(pair)
    return taken


def _condensed(clusters: Clusters, edges: Edges) -> Clusters:
    """Merge the clusters that lie on a cycle of the quotient."""
    import networkx as nx

    of_node = {node: k for k, cluster in enumerate(clusters) for node in cluster}
    quotient = nx.DiGraph()
    quotient.add_nodes_from(range(len(clusters)))
    quotient.add_edges_from((of_node[u], of_node[v]) for u, v in edges)
    parts = nx.strongly_connected_components(quotient)
    return sorted(sorted(node for k in part for node in clusters[k]) for part in parts)
