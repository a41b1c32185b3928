"""Brute-force clusterings and their expectation, which share no code with the pool.

Plain numbers, loops and networkx (imported on use), close to the definition and slow.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, pairwise
from statistics import fmean
from typing import NamedTuple

from pyg_grapheme.typing import CandidatesName, MergeName

Node = int
Features = Sequence[Sequence[float]]
Edges = Sequence[tuple[Node, Node]]
Score = Callable[[Sequence[float], Sequence[float]], float]
Scores = dict[tuple[Node, Node], float]
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
    a, b = ([value / (math.hypot(*vector) or 1.0) for value in vector] for vector in (left, right))
    return math.fsum(p * q for p, q in zip(a, b, strict=True))


def enumerate_clusterings(
    x: Features,
    edges: Edges,
    *,
    candidates: CandidatesName = "edges",
    merge: MergeName = "components",
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
        ValueError: if a cluster is equally similar to two others when it is to merge. This is no
            error for ``merge="components"``, where it merges with both.

    Cost: one pass over all pairs per clustering.
    """
    pairs = combinations(range(len(x)), 2) if candidates == "all" else edges
    scores = {(min(p), max(p)): score(x[min(p)], x[max(p)]) for p in pairs if p[0] != p[1]}
    if merge == "components":
        steps = _components(len(x), scores)
    else:
        steps = _agglomerated(len(x), scores, merge)
    return [
        Clustering(high, low, _condensed(clusters, edges) if acyclic else clusters)
        for (high, clusters), (low, _) in pairwise([*steps, (-math.inf, [])])
    ]


def _components(num_nodes: int, scores: Scores) -> Iterator[tuple[float, Clusters]]:
    """Join all pairs of each score or a higher one."""
    import networkx as nx

    for level in [math.inf, *sorted(set(scores.values()), reverse=True)]:
        graph = nx.Graph([pair for pair in scores if scores[pair] >= level])
        graph.add_nodes_from(range(num_nodes))
        yield level, sorted(sorted(part) for part in nx.connected_components(graph))


def _agglomerated(
    num_nodes: int, scores: Scores, merge: MergeName
) -> Iterator[tuple[float, Clusters]]:
    """Merge the most similar clusters, again and again; merges of equal height are one step."""
    measure = min if merge == "complete" else fmean
    height, clusters = math.inf, [[node] for node in range(num_nodes)]
    while True:
        of_node = {node: k for k, cluster in enumerate(clusters) for node in cluster}
        between: dict[tuple[int, int], list[float]] = defaultdict(list)
        for (u, v), value in scores.items():
            a, b = sorted((of_node[u], of_node[v]))
            if a != b and (merge != "matching" or len(clusters[a]) == len(clusters[b]) == 1):
                between[a, b].append(value)
        similarity = {ends: measure(values) for ends, values in between.items()}
        best = max(similarity.values(), default=-math.inf)
        if best < height:
            yield height, clusters
        if not between:
            return
        nearest = [ends for ends, value in similarity.items() if value == best]
        if len(set(chain(*nearest))) < 2 * len(nearest):
            raise ValueError(
                f"Expected no cluster to be equally similar to two others, for merge={merge!r} "
                f"(got {best:g} twice)"
            )
        # Exact means never rise; rounded ones may.
        height = min(height, best)
        joined = dict(nearest)
        gone = set(joined.values())
        clusters = sorted(
            sorted(cluster + clusters[joined[k]]) if k in joined else cluster
            for k, cluster in enumerate(clusters)
            if k not in gone
        )


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


def _condensed(clusters: Clusters, edges: Edges) -> Clusters:
    """Merge the clusters that lie on a cycle of the quotient."""
    import networkx as nx

    of_node = {node: k for k, cluster in enumerate(clusters) for node in cluster}
    quotient = nx.DiGraph()
    quotient.add_nodes_from(range(len(clusters)))
    quotient.add_edges_from((of_node[u], of_node[v]) for u, v in edges)
    parts = nx.strongly_connected_components(quotient)
    return sorted(sorted(node for k in part for node in clusters[k]) for part in parts)
