"""The clusterings and scores of the benchmark of tracks."""

from collections import Counter
from itertools import product
from statistics import fmean

import networkx as nx
import pytest
import torch
from torch import Tensor

from benchmarks.partitions.tracks.clusterings import (
    WalkCuts,
    chain_edges,
    join_edges,
    walk_through,
)
from benchmarks.partitions.tracks.scoring import score_tracks


def groups(cluster: Tensor) -> set[frozenset[int]]:
    """Return the sets of nodes of equal id."""
    found: dict[int, set[int]] = {}
    for node, number in enumerate(cluster.tolist()):
        found.setdefault(number, set()).add(node)
    return set(map(frozenset, found.values()))


def sets(*members: set[int]) -> set[frozenset[int]]:
    return set(map(frozenset, members))


def walk(edges: dict[tuple[int, int], float], size: int, cuts: WalkCuts) -> set[frozenset[int]]:
    score, edge_index = torch.tensor(list(edges.values())), torch.tensor(list(edges)).T
    return groups(walk_through(score, edge_index, size, cuts))


def test_a_component_without_branches_is_a_track_and_others_are_walked() -> None:
    edges = {(0, 2): 5.0, (2, 4): -1.0, (1, 3): 4.0, (1, 5): 3.0, (3, 6): 2.0, (5, 6): 1.0}
    # 0-2-4 stays whole below the second cut; from hit 1 the best edge leads to 3.
    assert walk(edges, 8, WalkCuts(-2, 0, 9)) == sets({0, 2, 4}, {1, 3, 6}, {5}, {7})
    assert walk(edges, 8, WalkCuts(0, 0, 9)) == sets({0, 2}, {4}, {1, 3, 6}, {5}, {7})
    # The second cut ends the path at 3.
    assert walk(edges, 8, WalkCuts(0, 2.5, 9)) == sets({0, 2}, {4}, {1, 3}, {5}, {6}, {7})


def test_the_third_cut_opens_more_edges_and_the_longest_path_is_kept() -> None:
    # A hit is left out by the best edge; with both edges tried, the path through it is longer.
    edges = {(0, 2): 3.0, (0, 1): 2.0, (1, 2): 2.0, (2, 3): 1.0}
    assert walk(edges, 4, WalkCuts(0, 0, 2.5)) == sets({0, 2, 3}, {1})
    assert walk(edges, 4, WalkCuts(0, 0, 1.5)) == sets({0, 1, 2, 3})
    # Of two paths of one length, that of the higher sum.
    tied = {(0, 1): 3.0, (0, 2): 2.0, (1, 3): 2.0, (2, 4): 4.0}
    assert walk(tied, 5, WalkCuts(0, 0, 0)) == sets({0, 2, 4}, {1, 3})


def test_walks_equal_trying_all_paths() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in range(2, 14):
        edge_index = torch.combinations(torch.arange(size)).T
        edge_index = edge_index[:, torch.rand(edge_index.size(1), generator=generator) < 0.5]
        score = torch.randn(edge_index.size(1), generator=generator)
        cuts = WalkCuts(-0.8, -0.3, 0.3)
        found = groups(walk_through(score, edge_index, size, cuts))
        assert found == brute_force_walk(score, edge_index, size, cuts)


def brute_force_walk(
    score: Tensor, edge_index: Tensor, size: int, cuts: WalkCuts
) -> set[frozenset[int]]:
    """Write out the walkthrough, path by path."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(size))
    scored = zip(*edge_index.tolist(), score.tolist(), strict=True)
    graph.add_weighted_edges_from(edge for edge in scored if edge[2] > cuts.low)
    tracks = set()
    for component in nx.weakly_connected_components(graph):
        part = graph.subgraph(component).copy()
        if all(part.in_degree(n) < 2 and part.out_degree(n) < 2 for n in part):
            tracks.add(frozenset(component))
            continue
        while part:
            done, growing = [], [(0.0, [min(part)])]
            while growing:
                total, path = growing.pop()
                ahead = sorted(((d["weight"], n) for n, d in part[path[-1]].items()), reverse=True)
                followed = [each for each in ahead[:1] if each[0] > cuts.follow]
                followed += [each for each in ahead[1:] if each[0] > cuts.branch]
                growing += [(total + weight, [*path, n]) for weight, n in followed]
                done += [] if followed else [(len(path), total, path)]
            path = max(done)[2]
            tracks.add(frozenset(path))
            part.remove_nodes_from(path)
    return tracks


def test_greedy_chains_take_the_best_edges_first() -> None:
    edges = [(0, 2), (1, 2), (2, 3), (2, 4), (0, 3)]
    score = torch.tensor([2.0, 3.0, 1.0, 4.0, 0.5])
    kept = chain_edges(score, torch.tensor(edges).T)
    # 2-4 and 1-2 exclude 0-2 and 2-3; then 0-3 is free.
    assert [edges[i] for i in kept] == [(2, 4), (1, 2), (0, 3)]
    chains = groups(join_edges(torch.tensor(edges).T[:, kept], 6))
    assert chains == sets({1, 2, 4}, {0, 3}, {5})


def test_scores_equal_their_definitions() -> None:
    generator = torch.Generator().manual_seed(1)
    for size in 3 * list(range(30)):
        events = []
        for _ in range(3):
            drawn = torch.randint(-1, 4, (size,), generator=generator)
            y = torch.cat([torch.zeros(3, dtype=torch.long), drawn])
            events.append((torch.randint(4, y.shape, generator=generator), y))
        cluster = torch.cat([10 * i + c for i, (c, _) in enumerate(events)])
        batch = torch.arange(3).repeat_interleave(size + 3)
        score = score_tracks(cluster, torch.cat([y for _, y in events]), batch)
        lists = [(c.tolist(), y.tolist()) for c, y in events]
        assert score.efficiency == pytest.approx(fmean(efficiency(*each) for each in lists))
        assert score.bcubed == pytest.approx(fmean(b_cubed(*each) for each in lists))


def efficiency(cluster: list[int], y: list[int]) -> float:
    """Return the share of the tracks of three hits or more that a cluster matches."""
    sizes, tracks = Counter(cluster), Counter(label for label in y if label >= 0)
    common = Counter(zip(cluster, y, strict=True))
    return fmean(
        any(2 * common[k, t] > tracks[t] and 2 * common[k, t] > sizes[k] for k in sizes)
        for t in tracks
        if tracks[t] >= 3
    )


def b_cubed(cluster: list[int], y: list[int]) -> float:
    """Average precision and recall over nodes; each noise hit is a label of its own."""
    label = [-1 - i if value < 0 else value for i, value in enumerate(y)]
    nodes = range(len(y))
    common = [0] * len(y)
    for i, j in product(nodes, nodes):
        common[i] += cluster[i] == cluster[j] and label[i] == label[j]
    precision = sum(common[i] / cluster.count(cluster[i]) for i in nodes) / len(y)
    recall = sum(common[i] / label.count(label[i]) for i in nodes) / len(y)
    return 2 * precision * recall / (precision + recall)
